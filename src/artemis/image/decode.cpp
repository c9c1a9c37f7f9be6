#include "artemis/image/decode.h"

#include <array>
#include <limits>

#include "artemis/image/codecs.h"
#include "artemis/image/orientation.h"

namespace artemis {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view start;
  std::string_view name;
};

// Formats that people send and that we do not read.
constexpr std::array other_formats = {
    Magic{"GIF8"sv, "GIF"},         Magic{"BM"sv, "BMP"},
    Magic{"II*\0"sv, "TIFF"},       Magic{"MM\0*"sv, "TIFF"},
    Magic{"%PDF"sv, "PDF"},         Magic{"8BPS"sv, "PSD"},
    Magic{"<svg"sv, "SVG"},         Magic{"<?xml"sv, "XML"},
    Magic{"\0\0\1\0"sv, "ICO"},     Magic{"\0\0\0\x0cjP  "sv, "JPEG 2000"},
    Magic{"\xff\x0a"sv, "JPEG XL"}, Magic{"\0\0\0\x0cJXL "sv, "JPEG XL"},
    Magic{"<!DOCTYPE"sv, "HTML"},   Magic{"<html"sv, "HTML"},
};

// The brand of an ISO media file ("ftyp" box), else nothing.
std::string_view media_brand(std::string_view text) {
  if (text.size() < 12 || text.substr(4, 4) != "ftyp") return {};
  const std::string_view brand = text.substr(8, 4);
  if (brand == "avif" || brand == "avis") return "AVIF";
  if (brand == "heic" || brand == "heix" || brand == "mif1" || brand == "msf1") return "HEIC";
  return "A video";
}

std::string_view other_format(std::string_view text) {
  for (const Magic& magic : other_formats)
    if (text.starts_with(magic.start)) return magic.name;
  return media_brand(text);
}

}  // namespace

ImageFormat image_format(Bytes bytes, std::string_view where) {
  require(!bytes.empty(), where, "empty file, expected JPEG, PNG or WebP");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\xff\xd8\xff"sv)) return ImageFormat::jpeg;
  if (text.starts_with("\x89PNG\r\n\x1a\n"sv)) return ImageFormat::png;
  if (text.starts_with("RIFF"sv) && text.size() >= 12 && text.substr(8, 4) == "WEBP")
    return ImageFormat::webp;
  const std::string_view name = other_format(text);
  require(name.empty(), where, "{} is not supported, expected JPEG, PNG or WebP", name);
  fail(where, "not a picture, expected JPEG, PNG or WebP");
}

Image decode(Bytes bytes, std::string_view where, const DecodeOptions& options) {
  Image image;
  switch (image_format(bytes, where)) {
    case ImageFormat::jpeg:
      image = decode_jpeg(bytes, where, options);
      break;
    case ImageFormat::png:
      image = decode_png(bytes, where, options);
      break;
    case ImageFormat::webp:
      image = decode_webp(bytes, where, options);
      break;
  }
  if (options.apply_orientation) image.pixels = apply_orientation(image.pixels, exif_orientation(bytes));
  return image;
}

void check_picture_size(std::int64_t width, std::int64_t height, std::string_view where,
                        const DecodeOptions& options) {
  require(width > 0 && height > 0, where, "picture of {}x{} pixels, expected at least one", width, height);
  ARTEMIS_ASSERT(width <= std::numeric_limits<std::int32_t>::max() &&
                 height <= std::numeric_limits<std::int32_t>::max());
  if (width * height > options.max_pixels)
    throw PictureTooLarge(where, fmt::format("picture of {}x{} pixels, expected at most {} pixels in all",
                                             width, height, options.max_pixels));
}

Tensor allocate_pixels(std::int64_t width, std::int64_t height) {
  return Tensor::allocate(DType::u8, {height, width, 3});
}

void rgba_over_white(const std::uint8_t* rgba, std::int64_t count, std::uint8_t* rgb) {
  for (std::int64_t i = 0; i < count; ++i, rgba += 4, rgb += 3)
    for (int c = 0; c < 3; ++c) rgb[c] = over_white(rgba[c], rgba[3]);
}

}  // namespace artemis
