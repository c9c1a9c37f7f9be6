// As in jpeg.cpp, libpng's faults jump back into PngReader::guarded over frames that own nothing.
//
// Transparency by a tRNS chunk is applied here and not by libpng, because the reference compares the low byte
// of the chunk's values with the samples after they were brought to 8 bits.
#include <png.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <optional>
#include <vector>

#include "artemis/image/chunks.h"
#include "artemis/image/codecs.h"

namespace artemis {
namespace {

using Rgb = std::array<std::uint8_t, 3>;

class PngReader {
 public:
  PngReader(Bytes bytes, std::string_view where) : bytes_(bytes), where_(where) {
    png_ = png_create_read_struct(
        PNG_LIBPNG_VER_STRING, this,
        [](png_structp png, png_const_charp text) {
          static_cast<PngReader*>(png_get_error_ptr(png))->leave(text);
        },
        [](png_structp, png_const_charp) {});
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    require(info_ != nullptr, where_, "PNG: no memory for the decoder");
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  Image read(const DecodeOptions& options) {
    guarded([this] { read_header(); });
    check_picture_size(width_, height_, where_, options);
    Image image;
    image.format = ImageFormat::png;
    image.mode = mode_name();
    prepare_colours();
    guarded([this] { choose_transforms(); });
    image.pixels = allocate_pixels(width_, height_);
    read_rows(image.pixels.mutable_data<std::uint8_t>());
    return image;
  }

 private:
  template <typename Body>
  void guarded(const Body& body) {
    if (setjmp(jump_) != 0) fail(where_, "PNG: {}", message_);
    body();
  }

  [[noreturn]] void leave(const char* message) {
    std::snprintf(message_, sizeof(message_), "%s", message);
    std::longjmp(jump_, 1);
  }

  void read_header() {
    png_set_read_fn(png_, this, [](png_structp png, png_bytep out, std::size_t count) {
      static_cast<PngReader*>(png_get_io_ptr(png))->take(out, count);
    });
    // No chunk beside the pixels and the palette matters: profiles, texts and gamma are not even unpacked.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(png_, info_);
    width_ = png_get_image_width(png_, info_);
    height_ = png_get_image_height(png_, info_);
    colour_type_ = png_get_color_type(png_, info_);
    depth_ = png_get_bit_depth(png_, info_);
  }

  void take(png_bytep out, std::size_t count) {
    if (count > bytes_.size() - position_) leave("the file is truncated");
    std::memcpy(out, bytes_.data() + position_, count);
    position_ += count;
  }

  std::string_view mode_name() const {
    switch (colour_type_) {
      case PNG_COLOR_TYPE_GRAY:
        return depth_ == 1 ? "1" : depth_ == 16 ? "I;16" : "L";
      case PNG_COLOR_TYPE_PALETTE:
        return "P";
      case PNG_COLOR_TYPE_GRAY_ALPHA:
        return depth_ == 16 ? "RGBA" : "LA";
      case PNG_COLOR_TYPE_RGB_ALPHA:
        return "RGBA";
      default:
        return "RGB";
    }
  }

  // Rows come as 8-bit samples (indices for a palette), except gray of 16 bits, which is clipped by us.
  void choose_transforms() {
    if (colour_type_ == PNG_COLOR_TYPE_GRAY && depth_ < 8) png_set_expand_gray_1_2_4_to_8(png_);
    if (colour_type_ == PNG_COLOR_TYPE_PALETTE && depth_ < 8) png_set_packing(png_);
    if (colour_type_ != PNG_COLOR_TYPE_GRAY && depth_ == 16) png_set_strip_16(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    row_bytes_ = png_get_rowbytes(png_, info_);
  }

  void prepare_colours() {
    const Bytes transparency = png_chunk(bytes_, "tRNS", true);
    if (colour_type_ == PNG_COLOR_TYPE_PALETTE)
      prepare_palette(transparency);
    else if (colour_type_ == PNG_COLOR_TYPE_GRAY && !transparency.empty())
      transparent_ = gray_transparency(transparency);
    else if (colour_type_ == PNG_COLOR_TYPE_RGB && !transparency.empty())
      transparent_ = rgb_transparency(transparency);
  }

  // The palette laid on white; indices past its end are black.
  void prepare_palette(Bytes alphas) {
    png_colorp colours = nullptr;
    int count = 0;
    png_get_PLTE(png_, info_, &colours, &count);
    for (std::size_t i = 0; i < palette_.size(); ++i) {
      const bool defined = i < static_cast<std::size_t>(count);
      const Rgb colour = defined ? Rgb{colours[i].red, colours[i].green, colours[i].blue} : Rgb{};
      const auto alpha = i < alphas.size() ? std::to_integer<std::uint8_t>(alphas[i]) : std::uint8_t{255};
      for (std::size_t c = 0; c < 3; ++c) palette_[i][c] = over_white(colour[c], alpha);
    }
  }

  Rgb gray_transparency(Bytes chunk) const {
    require(chunk.size() >= 2, where_, "PNG: tRNS chunk of {} bytes, expected 2", chunk.size());
    const std::uint32_t value = read_u16(chunk, 0, true);
    const auto level = static_cast<std::uint8_t>(depth_ == 1 ? (value != 0 ? 255 : 0) : value & 255);
    return {level, level, level};
  }

  Rgb rgb_transparency(Bytes chunk) const {
    require(chunk.size() >= 6, where_, "PNG: tRNS chunk of {} bytes, expected 6", chunk.size());
    const auto level = [&](std::size_t offset) {
      return static_cast<std::uint8_t>(read_u16(chunk, offset, true) & 255);
    };
    return {level(0), level(2), level(4)};
  }

  void read_rows(std::uint8_t* out) {
    const std::size_t stride = std::size_t{width_} * 3;
    if (passes_ == 1) {
      std::vector<std::uint8_t> line(row_bytes_);
      for (std::size_t y = 0; y < height_; ++y) {
        guarded([this, row = line.data()] { png_read_row(png_, row, nullptr); });
        convert_row(line.data(), out + y * stride);
      }
      return;
    }
    const Tensor all = Tensor::allocate(DType::u8, {height_, static_cast<std::int64_t>(row_bytes_)});
    std::uint8_t* lines = all.mutable_data<std::uint8_t>();
    guarded([this, lines] {
      for (int pass = 0; pass < passes_; ++pass)
        for (std::size_t y = 0; y < height_; ++y) png_read_row(png_, lines + y * row_bytes_, nullptr);
    });
    for (std::size_t y = 0; y < height_; ++y) convert_row(lines + y * row_bytes_, out + y * stride);
  }

  void convert_row(const std::uint8_t* in, std::uint8_t* out) const {
    switch (colour_type_) {
      case PNG_COLOR_TYPE_PALETTE:
        for (png_uint_32 x = 0; x < width_; ++x)
          std::memcpy(out + std::size_t{x} * 3, palette_[in[x]].data(), 3);
        break;
      case PNG_COLOR_TYPE_GRAY:
        convert_gray(in, out);
        break;
      case PNG_COLOR_TYPE_GRAY_ALPHA:
        for (png_uint_32 x = 0; x < width_; ++x, in += 2, out += 3)
          std::memset(out, over_white(in[0], in[1]), 3);
        break;
      case PNG_COLOR_TYPE_RGB_ALPHA:
        rgba_over_white(in, width_, out);
        break;
      default:
        std::memcpy(out, in, std::size_t{width_} * 3);
        whiten_transparent(out);
    }
  }

  void convert_gray(const std::uint8_t* in, std::uint8_t* out) const {
    for (png_uint_32 x = 0; x < width_; ++x) {
      const std::uint8_t level = depth_ < 16                   ? in[x]
                                 : in[2 * std::size_t{x}] != 0 ? 255
                                                               : in[2 * std::size_t{x} + 1];
      std::memset(out + std::size_t{x} * 3, level, 3);
    }
    whiten_transparent(out);
  }

  void whiten_transparent(std::uint8_t* rgb) const {
    if (!transparent_) return;
    for (png_uint_32 x = 0; x < width_; ++x, rgb += 3)
      if (std::memcmp(rgb, transparent_->data(), 3) == 0) std::memset(rgb, 255, 3);
  }

  Bytes bytes_;
  std::string_view where_;
  std::size_t position_ = 0;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  png_uint_32 width_ = 0;
  png_uint_32 height_ = 0;
  int colour_type_ = 0;
  int depth_ = 0;
  int passes_ = 1;
  std::size_t row_bytes_ = 0;
  std::array<Rgb, 256> palette_{};
  std::optional<Rgb> transparent_;
  std::jmp_buf jump_{};
  char message_[128] = {};
};

}  // namespace

Image decode_png(Bytes bytes, std::string_view where, const DecodeOptions& options) {
  return PngReader(bytes, where).read(options);
}

}  // namespace artemis
