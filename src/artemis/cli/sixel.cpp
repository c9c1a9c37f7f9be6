#include "artemis/cli/sixel.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>
#include <utility>
#include <vector>

namespace artemis {
namespace {

constexpr int levels = 6;  // of each of red, green and blue
constexpr int colours = levels * levels * levels;
constexpr std::int64_t band_rows = 6;  // rows of one line of sixels

constexpr int bayer[4][4] = {{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};

// The palette's colour of a pixel, which rounds up at more or fewer places of the matrix as it lies between
// two levels.
int colour_at(const std::uint8_t* pixel, std::int64_t row, std::int64_t column) {
  const int threshold = 255 * (2 * bayer[row % 4][column % 4] + 1) / 32;
  int colour = 0;
  for (int channel = 0; channel < 3; ++channel) {
    colour = colour * levels + (pixel[channel] * (levels - 1) + threshold) / 255;
  }
  return colour;
}

std::string palette() {
  std::string text;
  for (int colour = 0; colour < colours; ++colour) {
    const auto percent = [](int level) { return level * 100 / (levels - 1); };
    text += fmt::format("#{};2;{};{};{}", colour, percent(colour / levels / levels),
                        percent(colour / levels % levels), percent(colour % levels));
  }
  return text;
}

// `count` times the same sixel.
void append_run(std::string& text, char sixel, std::int64_t count) {
  if (count > 3) {
    text += fmt::format("!{}{}", count, sixel);
  } else {
    text.append(static_cast<std::size_t>(count), sixel);
  }
}

}  // namespace

std::string sixel_escape(const Tensor& pixels) {
  const std::int64_t height = pixels.dim(0);
  const std::int64_t width = pixels.dim(1);
  const auto* rgb = pixels.data<std::uint8_t>();
  // Pixels are square, and what is not drawn stays as it is.
  std::string text = fmt::format("\033P0;1q\"1;1;{};{}", width, height) + palette();
  std::vector<std::uint8_t> band(static_cast<std::size_t>(band_rows * width));
  for (std::int64_t top = 0; top < height; top += band_rows) {
    const std::int64_t rows = std::min(band_rows, height - top);
    std::bitset<colours> used;
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t column = 0; column < width; ++column) {
        const int colour = colour_at(rgb + ((top + row) * width + column) * 3, top + row, column);
        band[static_cast<std::size_t>(row * width + column)] = static_cast<std::uint8_t>(colour);
        used.set(static_cast<std::size_t>(colour));
      }
    }
    for (int colour = 0; colour < colours; ++colour) {
      if (!used.test(static_cast<std::size_t>(colour))) continue;
      text += fmt::format("#{}", colour);
      char last = 0;
      std::int64_t run = 0;
      for (std::int64_t column = 0; column < width; ++column) {
        int bits = 0;
        for (std::int64_t row = 0; row < rows; ++row) {
          bits |= (band[static_cast<std::size_t>(row * width + column)] == colour ? 1 : 0) << row;
        }
        const char sixel = static_cast<char>('?' + bits);
        if (sixel != last) append_run(text, last, std::exchange(run, 0));
        last = sixel;
        ++run;
      }
      append_run(text, last, run);
      text += '$';  // back to the beginning of the band
    }
    text += '-';  // to the next band
  }
  return text + "\033\\";
}

}  // namespace artemis
