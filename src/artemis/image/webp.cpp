#include <webp/decode.h>
#include <webp/demux.h>

#include <cstring>
#include <memory>

#include "artemis/image/codecs.h"

namespace artemis {
namespace {

const char* describe(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      return "the file is truncated";
    case VP8_STATUS_OUT_OF_MEMORY:
      return "no memory for the decoder";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "a feature that libwebp does not support";
    default:
      return "damaged data";
  }
}

void check(VP8StatusCode status, std::string_view where) {
  require(status == VP8_STATUS_OK, where, "WebP: {}", describe(status));
}

WebPBitstreamFeatures read_features(Bytes bytes, std::string_view where) {
  WebPBitstreamFeatures features;
  check(WebPGetFeatures(as_u8(bytes), bytes.size(), &features), where);
  return features;
}

// Where decoded samples go: `channels` is 3 (RGB) or 4 (RGBA).
struct Canvas {
  std::uint8_t* samples;
  std::int64_t width;
  std::int64_t height;
  int channels;
};

void decode_into(Bytes frame, const Canvas& canvas, std::int64_t left, std::int64_t top,
                 std::string_view where) {
  WebPDecoderConfig config;
  require(WebPInitDecoderConfig(&config) != 0, where,
          "WebP: the library is of another version than its headers");
  check(WebPGetFeatures(as_u8(frame), frame.size(), &config.input), where);
  require(left + config.input.width <= canvas.width && top + config.input.height <= canvas.height, where,
          "WebP: a frame reaches out of the canvas");
  const std::int64_t stride = canvas.width * canvas.channels;
  const std::int64_t offset = top * stride + left * canvas.channels;
  config.output.colorspace = canvas.channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = canvas.samples + offset;
  config.output.u.RGBA.stride = static_cast<int>(stride);
  config.output.u.RGBA.size = static_cast<std::size_t>(canvas.height * stride - offset);
  check(WebPDecode(as_u8(frame), frame.size(), &config), where);
}

// The first frame on an empty canvas: transparent, or black when the file says that it has no alpha.
void decode_first_frame(Bytes bytes, const Canvas& canvas, std::string_view where) {
  std::memset(canvas.samples, 0, static_cast<std::size_t>(canvas.width * canvas.height * canvas.channels));
  const WebPData data{as_u8(bytes), bytes.size()};
  const std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> demuxer(WebPDemux(&data), WebPDemuxDelete);
  require(demuxer != nullptr, where, "WebP: damaged or truncated animation");
  WebPIterator frame{};
  require(WebPDemuxGetFrame(demuxer.get(), 1, &frame) != 0, where, "WebP: an animation without frames");
  const std::unique_ptr<WebPIterator, void (*)(WebPIterator*)> release(&frame, WebPDemuxReleaseIterator);
  decode_into(std::as_bytes(std::span(frame.fragment.bytes, frame.fragment.size)), canvas, frame.x_offset,
              frame.y_offset, where);
}

}  // namespace

Image decode_webp(Bytes bytes, std::string_view where, const DecodeOptions& options) {
  const WebPBitstreamFeatures features = read_features(bytes, where);
  check_picture_size(features.width, features.height, where, options);
  const bool alpha = features.has_alpha != 0;
  Image image;
  image.format = ImageFormat::webp;
  image.mode = alpha ? "RGBA" : "RGB";
  image.pixels = allocate_pixels(features.width, features.height);
  std::uint8_t* rgb = image.pixels.mutable_data<std::uint8_t>();
  Tensor rgba;
  if (alpha) rgba = Tensor::allocate(DType::u8, {features.height, features.width, 4});
  const Canvas canvas{alpha ? rgba.mutable_data<std::uint8_t>() : rgb, features.width, features.height,
                      alpha ? 4 : 3};
  if (features.has_animation != 0)
    decode_first_frame(bytes, canvas, where);
  else
    decode_into(bytes, canvas, 0, 0, where);
  if (alpha) rgba_over_white(canvas.samples, canvas.width * canvas.height, rgb);
  return image;
}

}  // namespace artemis
