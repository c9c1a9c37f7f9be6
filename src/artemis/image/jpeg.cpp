// libjpeg reports a fault by a function that must not return. Ours jumps back into JpegReader::guarded, over
// frames of libjpeg and of lambdas that own nothing; the exception is thrown from there.
#include <csetjmp>
#include <cstdio>
#include <string>
#include <vector>

#include "artemis/image/codecs.h"

#include <jpeglib.h>

namespace artemis {
namespace {

// More scans than any encoder writes; each costs a pass over all coefficients.
constexpr int max_scans = 100;

class JpegReader {
 public:
  JpegReader(Bytes bytes, std::string_view where) : bytes_(bytes), where_(where) {
    jpeg_.err = jpeg_std_error(&errors_);
    errors_.error_exit = [](j_common_ptr jpeg) { self(jpeg).leave_with_library_message(); };
    errors_.output_message = [](j_common_ptr) {};
    errors_.emit_message = [](j_common_ptr, int) {
    };  // damaged data that libjpeg can go on from, as Pillow does
    jpeg_.client_data = this;
    guarded([this] { jpeg_create_decompress(&jpeg_); });
    connect_source();
    progress_.progress_monitor = [](j_common_ptr jpeg) { self(jpeg).check_scans(); };
    jpeg_.progress = &progress_;
  }
  ~JpegReader() { jpeg_destroy_decompress(&jpeg_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  Image read(const DecodeOptions& options) {
    guarded([this] { jpeg_read_header(&jpeg_, TRUE); });
    check_picture_size(jpeg_.image_width, jpeg_.image_height, where_, options);
    Image image;
    image.format = ImageFormat::jpeg;
    image.mode = choose_colours();
    check_density();
    guarded([this] { jpeg_start_decompress(&jpeg_); });
    image.pixels = allocate_pixels(jpeg_.output_width, jpeg_.output_height);
    if (jpeg_.out_color_space == JCS_CMYK)
      read_cmyk(image.pixels.mutable_data<std::uint8_t>());
    else
      read_rgb(image.pixels.mutable_data<std::uint8_t>());
    return image;
  }

 private:
  static JpegReader& self(j_common_ptr jpeg) { return *static_cast<JpegReader*>(jpeg->client_data); }

  template <typename Body>
  void guarded(const Body& body) {
    if (setjmp(jump_) != 0) fail(where_, "JPEG: {}", message_);
    body();
  }

  [[noreturn]] void leave(const char* message) {
    std::snprintf(message_, sizeof(message_), "%s", message);
    std::longjmp(jump_, 1);
  }

  [[noreturn]] void leave_with_library_message() {
    errors_.format_message(reinterpret_cast<j_common_ptr>(&jpeg_), message_);
    std::longjmp(jump_, 1);
  }

  // All bytes are there from the start, so a request for more means that the file ends too early.
  void connect_source() {
    source_.next_input_byte = as_u8(bytes_);
    source_.bytes_in_buffer = bytes_.size();
    source_.init_source = [](j_decompress_ptr) {};
    source_.term_source = [](j_decompress_ptr) {};
    source_.resync_to_restart = jpeg_resync_to_restart;
    source_.fill_input_buffer = [](j_decompress_ptr jpeg) -> boolean {
      self(reinterpret_cast<j_common_ptr>(jpeg)).leave("the file is truncated");
    };
    source_.skip_input_data = [](j_decompress_ptr jpeg, long count) {
      jpeg_source_mgr& source = *jpeg->src;
      if (count <= 0) return;
      if (static_cast<std::size_t>(count) > source.bytes_in_buffer) source.fill_input_buffer(jpeg);
      source.next_input_byte += count;
      source.bytes_in_buffer -= static_cast<std::size_t>(count);
    };
    jpeg_.src = &source_;
  }

  void check_scans() {
    if (jpeg_.input_scan_number > max_scans) leave("more than 100 scans");
  }

  std::string_view choose_colours() {
    switch (jpeg_.num_components) {
      case 1:
        jpeg_.out_color_space = JCS_RGB;
        return "L";
      case 3:
        jpeg_.out_color_space = JCS_RGB;
        return "RGB";
      case 4:
        jpeg_.out_color_space = JCS_CMYK;
        return "CMYK";
      default:
        fail(where_, "JPEG: {} colour components, expected 1, 3 or 4", jpeg_.num_components);
    }
  }

  // Each block of 8x8 samples takes at least one bit. A file with fewer is not complete, whatever its header
  // promises: it is refused before libjpeg takes memory for a progressive picture's coefficients.
  void check_density() {
    std::uint64_t blocks = 0;
    const auto divide_up = [](std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; };
    for (int i = 0; i < jpeg_.num_components; ++i) {
      const jpeg_component_info& part = jpeg_.comp_info[i];
      const auto across = [&](JDIMENSION extent, int factor, int largest) {
        return divide_up(std::uint64_t{extent} * static_cast<std::uint64_t>(factor),
                         8 * static_cast<std::uint64_t>(largest));
      };
      blocks += across(jpeg_.image_width, part.h_samp_factor, jpeg_.max_h_samp_factor) *
                across(jpeg_.image_height, part.v_samp_factor, jpeg_.max_v_samp_factor);
    }
    require(bytes_.size() * 8 >= blocks, where_,
            "JPEG: the file is truncated: {} bytes cannot hold {}x{} pixels", bytes_.size(),
            jpeg_.image_width, jpeg_.image_height);
  }

  void read_rgb(std::uint8_t* out) {
    const std::size_t stride = std::size_t{jpeg_.output_width} * 3;
    guarded([this, out, stride] {
      while (jpeg_.output_scanline < jpeg_.output_height) {
        JSAMPROW row = out + jpeg_.output_scanline * stride;
        jpeg_read_scanlines(&jpeg_, &row, 1);
      }
    });
  }

  void read_cmyk(std::uint8_t* out) {
    const std::size_t width = jpeg_.output_width;
    std::vector<std::uint8_t> line(width * 4);
    for (std::size_t y = 0; y < jpeg_.output_height; ++y) {
      JSAMPROW row = line.data();
      guarded([this, &row] { jpeg_read_scanlines(&jpeg_, &row, 1); });
      cmyk_to_rgb(line.data(), width, out + y * width * 3);
    }
  }

  // Samples are stored inverted: 255 - ink. Then R = K' - (255 - C') K' / 255 with K' the stored black.
  static void cmyk_to_rgb(const std::uint8_t* cmyk, std::size_t count, std::uint8_t* rgb) {
    for (std::size_t i = 0; i < count; ++i, cmyk += 4, rgb += 3)
      for (int c = 0; c < 3; ++c) {
        const unsigned product = (255u - cmyk[c]) * cmyk[3] + 128u;
        rgb[c] = static_cast<std::uint8_t>(cmyk[3] - ((product + (product >> 8)) >> 8));
      }
  }

  Bytes bytes_;
  std::string_view where_;
  jpeg_decompress_struct jpeg_{};
  jpeg_error_mgr errors_{};
  jpeg_source_mgr source_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf jump_{};
  char message_[JMSG_LENGTH_MAX] = {};
};

}  // namespace

Image decode_jpeg(Bytes bytes, std::string_view where, const DecodeOptions& options) {
  return JpegReader(bytes, where).read(options);
}

}  // namespace artemis
