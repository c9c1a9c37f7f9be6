#include "artemis/lab/draw.h"

#include <cairo.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <numbers>

// Needs stdio before it.
#include <jpeglib.h>

#include "artemis/core/error.h"

namespace artemis::lab {
namespace {

struct Rgb {
  double r, g, b;  // 0 to 1
};

constexpr std::array<Rgb, colors.size()> paint{{{0.86, 0.12, 0.12},
                                                {0.97, 0.55, 0.08},
                                                {0.95, 0.88, 0.15},
                                                {0.15, 0.62, 0.22},
                                                {0.20, 0.85, 0.88},
                                                {0.14, 0.26, 0.86},
                                                {0.52, 0.16, 0.66},
                                                {0.97, 0.52, 0.75}}};

struct Surface {
  std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)> image;
  std::unique_ptr<cairo_t, decltype(&cairo_destroy)> cr;

  Surface(int width, int height)
      : image(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height), cairo_surface_destroy),
        cr(cairo_create(image.get()), cairo_destroy) {
    const cairo_status_t status = cairo_status(cr.get());
    require(status == CAIRO_STATUS_SUCCESS, "scenes", "a picture of {}x{} cannot be made: {}", width, height,
            cairo_status_to_string(status));
  }
};

double between(Random& random, double low, double high) {
  return low + (high - low) * random.uniform_double();
}

void set_gray(cairo_t* cr, double value) { cairo_set_source_rgb(cr, value, value, value); }

void draw_lines(Random& random, cairo_t* cr, const Scene& scene, double base) {
  const double step = between(random, 9, 13);
  const double slant = chance(random, 0.5) ? 1 : -1;
  set_gray(cr, base + 0.10);
  cairo_set_line_width(cr, 3);
  for (double x = -scene.height; x < scene.width + scene.height; x += step) {
    cairo_move_to(cr, x, slant > 0 ? 0 : scene.height);
    cairo_line_to(cr, x + scene.height, slant > 0 ? scene.height : 0);
  }
  cairo_stroke(cr);
}

void draw_checks(Random& random, cairo_t* cr, const Scene& scene, double base) {
  const double side = between(random, 12, 18);
  set_gray(cr, base + 0.10);
  for (int row = 0; row * side < scene.height; ++row) {
    for (int column = row % 2; column * side < scene.width; column += 2) {
      cairo_rectangle(cr, column * side, row * side, side, side);
    }
  }
  cairo_fill(cr);
}

// Soft or hard discs of gray.
void draw_discs(Random& random, cairo_t* cr, const Scene& scene, double base, bool soft) {
  const int area = scene.width * scene.height;
  const int count = std::max(4, area / (soft ? 1200 : 260));
  for (int i = 0; i < count; ++i) {
    const double x = between(random, 0, scene.width);
    const double y = between(random, 0, scene.height);
    const double radius = soft ? between(random, 12, 30) : between(random, 1, 2.2);
    const double tone = std::clamp(base + between(random, -0.14, 0.14), 0.0, 1.0);
    if (soft) {
      cairo_pattern_t* fade = cairo_pattern_create_radial(x, y, 0, x, y, radius);
      cairo_pattern_add_color_stop_rgba(fade, 0, tone, tone, tone, 0.8);
      cairo_pattern_add_color_stop_rgba(fade, 1, tone, tone, tone, 0.0);
      cairo_set_source(cr, fade);
      cairo_pattern_destroy(fade);
    } else {
      set_gray(cr, tone);
    }
    cairo_arc(cr, x, y, radius, 0, 2 * std::numbers::pi);
    cairo_fill(cr);
  }
}

void draw_background(Random& random, cairo_t* cr, const Scene& scene) {
  const std::string_view name = backgrounds[static_cast<std::size_t>(scene.background)];
  double base = between(random, 0.40, 0.58);
  if (name == "dark") base = between(random, 0.05, 0.16);
  if (name == "light") base = between(random, 0.86, 0.96);
  set_gray(cr, base);
  cairo_paint(cr);
  if (name == "lined") draw_lines(random, cr, scene, base);
  if (name == "checkered") draw_checks(random, cr, scene, base);
  if (name == "cloudy") draw_discs(random, cr, scene, base, true);
  if (name == "speckled") draw_discs(random, cr, scene, base, false);
}

// A closed path through `corners` points whose distances from the centre are taken from `radii` in turn; the
// first corner points up.
void polygon(cairo_t* cr, int corners, std::initializer_list<double> radii) {
  int i = 0;
  for (; i < corners; ++i) {
    const double angle = -std::numbers::pi / 2 + 2 * std::numbers::pi * i / corners;
    const double radius = *(radii.begin() + i % static_cast<int>(radii.size()));
    cairo_line_to(cr, radius * std::cos(angle), radius * std::sin(angle));
  }
  cairo_close_path(cr);
}

// The outline of a shape of radius 1 around the origin.
void trace_shape(cairo_t* cr, std::string_view shape) {
  cairo_new_path(cr);
  if (shape == "circle" || shape == "ring") {
    cairo_arc(cr, 0, 0, shape == "circle" ? 0.92 : 1.0, 0, 2 * std::numbers::pi);
    if (shape == "ring") {
      cairo_new_sub_path(cr);
      cairo_arc_negative(cr, 0, 0, 0.52, 2 * std::numbers::pi, 0);
    }
  } else if (shape == "square") {
    cairo_rectangle(cr, -0.80, -0.80, 1.6, 1.6);
  } else if (shape == "triangle") {
    polygon(cr, 3, {1.08});
  } else if (shape == "star") {
    polygon(cr, 10, {1.10, 0.46});
  } else {  // a cross: two bars
    constexpr double thin = 0.32;
    constexpr double wide = 1.0;
    for (const auto& [x, y] : {std::pair{-thin, -wide},
                               {thin, -wide},
                               {thin, -thin},
                               {wide, -thin},
                               {wide, thin},
                               {thin, thin},
                               {thin, wide},
                               {-thin, wide},
                               {-thin, thin},
                               {-wide, thin},
                               {-wide, -thin},
                               {-thin, -thin}}) {
      cairo_line_to(cr, x, y);
    }
    cairo_close_path(cr);
  }
}

void draw_texture(cairo_t* cr, std::string_view texture) {
  cairo_set_source_rgba(cr, 0, 0, 0, 0.35);
  if (texture == "striped") {
    cairo_set_line_width(cr, 0.16);
    for (double y = -0.9; y < 1.1; y += 0.36) {
      cairo_move_to(cr, -1.2, y);
      cairo_line_to(cr, 1.2, y);
    }
    cairo_stroke(cr);
  } else if (texture == "dotted") {
    for (double y = -0.9; y < 1.1; y += 0.4) {
      for (double x = -0.9; x < 1.1; x += 0.4) {
        cairo_new_sub_path(cr);
        cairo_arc(cr, x, y, 0.11, 0, 2 * std::numbers::pi);
      }
    }
    cairo_fill(cr);
  }
}

void draw_object(Random& random, cairo_t* cr, const SceneObject& object) {
  const Rgb& color = paint[static_cast<std::size_t>(object.color)];
  const auto shade = [&](double value) { return std::clamp(value + between(random, -0.05, 0.05), 0.0, 1.0); };
  cairo_save(cr);
  cairo_translate(cr, object.x, object.y);
  cairo_rotate(cr, object.angle);
  cairo_scale(cr, object.radius, object.radius);
  trace_shape(cr, shapes[static_cast<std::size_t>(object.shape)]);
  cairo_set_source_rgb(cr, shade(color.r), shade(color.g), shade(color.b));
  cairo_fill_preserve(cr);
  cairo_clip(cr);
  draw_texture(cr, textures[static_cast<std::size_t>(object.texture)]);
  cairo_restore(cr);
}

struct JpegMemory {
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  ~JpegMemory() { std::free(bytes); }
};

std::string encode_jpeg(const std::vector<std::uint8_t>& rgb, int width, int height, int quality) {
  jpeg_compress_struct compress{};
  jpeg_error_mgr errors{};
  compress.err = jpeg_std_error(&errors);
  errors.error_exit = [](j_common_ptr common) {
    char message[JMSG_LENGTH_MAX];
    common->err->format_message(common, message);
    jpeg_destroy(common);
    fail("scenes", "the JPEG encoder: {}", static_cast<const char*>(message));
  };
  JpegMemory memory;
  jpeg_create_compress(&compress);
  jpeg_mem_dest(&compress, &memory.bytes, &memory.size);
  compress.image_width = static_cast<JDIMENSION>(width);
  compress.image_height = static_cast<JDIMENSION>(height);
  compress.input_components = 3;
  compress.in_color_space = JCS_RGB;
  jpeg_set_defaults(&compress);
  jpeg_set_quality(&compress, quality, TRUE);
  jpeg_start_compress(&compress, TRUE);
  while (compress.next_scanline < compress.image_height) {
    auto* row = const_cast<JSAMPROW>(rgb.data() + std::size_t{compress.next_scanline} *
                                                      static_cast<std::size_t>(width) * 3);
    jpeg_write_scanlines(&compress, &row, 1);
  }
  jpeg_finish_compress(&compress);
  jpeg_destroy_compress(&compress);
  return {reinterpret_cast<const char*>(memory.bytes), memory.size};
}

// Near enough a normal of deviation 1 for pixels: the sum of the four bytes of one number (Irwin-Hall).
float quick_normal(Random& random) {
  constexpr float mean = 4 * 127.5f;
  constexpr float deviation = 147.8f;  // sqrt(4 * (256^2 - 1) / 12)
  const std::uint32_t bytes = random.next_u32();
  const std::uint32_t sum = (bytes & 255u) + ((bytes >> 8) & 255u) + ((bytes >> 16) & 255u) + (bytes >> 24);
  return (static_cast<float>(sum) - mean) / deviation;
}

// The pixels of the surface with noise over them, as R, G, B bytes.
std::vector<std::uint8_t> noisy_pixels(Random& random, cairo_surface_t* image, int width, int height,
                                       float noise) {
  cairo_surface_flush(image);
  const unsigned char* data = cairo_image_surface_get_data(image);
  const int stride = cairo_image_surface_get_stride(image);
  std::vector<std::uint8_t> rgb(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  auto out = rgb.begin();
  for (int y = 0; y < height; ++y) {
    const auto* row = reinterpret_cast<const std::uint32_t*>(data + std::ptrdiff_t{y} * stride);
    for (int x = 0; x < width; ++x) {
      for (const int shift : {16, 8, 0}) {
        const float value = static_cast<float>((row[x] >> shift) & 255u) + noise * quick_normal(random);
        *out++ = static_cast<std::uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f));
      }
    }
  }
  return rgb;
}

}  // namespace

std::string draw_scene(Random& random, const Scene& scene, const DrawOptions& options) {
  const Surface surface(scene.width, scene.height);
  draw_background(random, surface.cr.get(), scene);
  for (const SceneObject& object : scene.objects) draw_object(random, surface.cr.get(), object);
  return encode_jpeg(
      noisy_pixels(random, surface.image.get(), scene.width, scene.height, static_cast<float>(options.noise)),
      scene.width, scene.height, options.quality);
}

}  // namespace artemis::lab
