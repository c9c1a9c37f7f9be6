// Hostile and damaged files: each is read rightly or refused with a clear message, at little memory, and the
// next picture is read as if nothing had been.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <optional>

#include "artemis/core/random.h"
#include "artemis/image/orientation.h"
#include "artemis/image/preprocess.h"
#include "artemis/io/json.h"
#include "files.h"

namespace artemis {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long peak_limit_kib = 512 * 1024;  // a sanitizer's shadow and quarantine count too
#else
constexpr long peak_limit_kib = 64 * 1024;
#endif

std::string source(const std::string& name) { return read_file(golden_root() / "sources" / name); }

// What became of a file: "WIDTHxHEIGHT" or the message.
std::string outcome(const std::string& file, const DecodeOptions& options = {}) {
  try {
    const Image image = decode(as_bytes(file), "x", options);
    return fmt::format("{}x{}", image.width(), image.height());
  } catch (const Error& error) {
    return error.what();
  }
}

// KiB that `body` adds to the resident memory of a process of its own, at its peak.
long peak_kib(const std::function<void()>& body) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("pipe");
  const pid_t child = fork();
  if (child == 0) {
    const auto peak = [] {
      rusage usage{};
      getrusage(RUSAGE_SELF, &usage);
      return usage.ru_maxrss;
    };
    const long before = peak();
    body();
    const long added = peak() - before;
    const bool written = write(ends[1], &added, sizeof(added)) == sizeof(added);
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  long added = -1;
  const bool answered = read(ends[0], &added, sizeof(added)) == sizeof(added);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!answered || status != 0) throw std::runtime_error("the measuring process ended early");
  return added;
}

// The frame header (after its marker and length: precision, height, width) of a JPEG file.
std::string with_jpeg_size(std::string file, unsigned height, unsigned width) {
  for (std::size_t at = 2; at + 9 < file.size();) {
    const auto byte = [&](std::size_t i) { return unsigned{static_cast<unsigned char>(file[i])}; };
    if (byte(at + 1) == 0xC0 || byte(at + 1) == 0xC2) {
      file[at + 5] = static_cast<char>(height >> 8);
      file[at + 6] = static_cast<char>(height & 255);
      file[at + 7] = static_cast<char>(width >> 8);
      file[at + 8] = static_cast<char>(width & 255);
      return file;
    }
    at += 2u + (byte(at + 2) << 8 | byte(at + 3));
  }
  throw std::runtime_error("no frame header");
}

std::string with_webp_lossless_size(std::string file, std::uint32_t width, std::uint32_t height) {
  const std::size_t at = file.find("VP8L") + 9;
  const std::uint32_t bits = (width - 1) | (height - 1) << 14;
  for (unsigned i = 0; i < 4; ++i) file[at + i] = static_cast<char>(bits >> (8 * i) & 255);
  return file;
}

std::string solid_png(std::uint32_t width, std::uint32_t height, int depth, int colour,
                      std::size_t row_bytes) {
  return png_start(width, height, depth, colour) +
         png_chunk_of("IDAT", deflate_of(std::string(height * (row_bytes + 1), '\0'))) +
         png_chunk_of("IEND", "");
}

TEST(HostileImages, OtherFormatsAreNamed) {
  using namespace std::string_literals;
  EXPECT_EQ(outcome(""), "[x] empty file, expected JPEG, PNG or WebP");
  EXPECT_EQ(outcome("GIF89a..."), "[x] GIF is not supported, expected JPEG, PNG or WebP");
  EXPECT_EQ(outcome("BM......"), "[x] BMP is not supported, expected JPEG, PNG or WebP");
  EXPECT_EQ(outcome("MM\0*...."s), "[x] TIFF is not supported, expected JPEG, PNG or WebP");
  EXPECT_EQ(outcome("\0\0\0\x20"
                    "ftypavif...."s),
            "[x] AVIF is not supported, expected JPEG, PNG or WebP");
  EXPECT_EQ(outcome("\0\0\0\x20"
                    "ftypheic...."s),
            "[x] HEIC is not supported, expected JPEG, PNG or WebP");
  EXPECT_EQ(outcome("hello, world"), "[x] not a picture, expected JPEG, PNG or WebP");
  EXPECT_EQ(outcome("RIFF\x10\0\0\0WAVEfmt "s), "[x] not a picture, expected JPEG, PNG or WebP");
}

TEST(HostileImages, ThePeakIsMeasured) {
  EXPECT_GT(peak_kib([] { EXPECT_EQ(std::string(96 << 20, 'x').back(), 'x'); }), 90 * 1024);
}

TEST(HostileImages, HeadersOfBombsAreRefusedBeforePixels) {
  const std::string too_large = " pixels, expected at most 67108864 pixels in all";
  const std::vector<std::pair<std::string, std::string>> bombs = {
      {png_start(40000, 40000) + png_chunk_of("IDAT", deflate_of(std::string(1 << 20, '\0'))), "40000x40000"},
      {png_start(40000, 40000, 16, 6, 1) + png_chunk_of("IDAT", deflate_of(std::string(1 << 20, '\0'))),
       "40000x40000"},
      {with_jpeg_size(source("rgb-420.jpg"), 40000, 40000), "40000x40000"},
      {with_jpeg_size(source("odd-progressive.jpg"), 40000, 40000), "40000x40000"},
      {with_jpeg_size(source("cmyk.jpg"), 65500, 65500), "65500x65500"},
      {with_webp_lossless_size(source("lossless.webp"), 16384, 16384), "16384x16384"},
  };
  for (const auto& [file, size] : bombs) {
    EXPECT_EQ(outcome(file), "[x] picture of " + size + too_large);
    EXPECT_THROW(decode(as_bytes(file), "x"), PictureTooLarge);
    EXPECT_LT(peak_kib([&] { outcome(file); }), peak_limit_kib) << size;
  }
}

TEST(HostileImages, BombsUnderTheLimitCostLittle) {
  const std::string text_bomb = std::string("k\0\0", 3) + deflate_of(std::string(200 << 20, 'a'));
  const std::string photo = source("photo.png");
  const std::vector<std::string> files = {
      with_jpeg_size(source("odd-progressive.jpg"), 8000, 8000),
      with_jpeg_size(source("rgb-420.jpg"), 8000, 8000),
      with_webp_lossless_size(source("lossless.webp"), 8000, 8000),
      photo.substr(0, 33) + png_chunk_of("zTXt", text_bomb) + photo.substr(33),
      photo.substr(0, 33) + png_chunk_of("iCCP", text_bomb) + photo.substr(33),
  };
  for (std::size_t i = 0; i < files.size(); ++i)
    EXPECT_LT(peak_kib([&] { outcome(files[i]); }), peak_limit_kib) << i << ": " << outcome(files[i]);
  EXPECT_EQ(
      outcome(files[0]),
      fmt::format("[x] JPEG: the file is truncated: {} bytes cannot hold 8000x8000 pixels", files[0].size()));
  EXPECT_EQ(outcome(files[3]), "160x107");
  EXPECT_EQ(outcome(files[4]), "160x107");
}

TEST(HostileImages, TheLimitIsTheCallers) {
  const std::string file = source("33x47.png");
  EXPECT_EQ(outcome(file, {.max_pixels = 33 * 47}), "33x47");
  EXPECT_EQ(outcome(file, {.max_pixels = 33 * 47 - 1}),
            "[x] picture of 33x47 pixels, expected at most 1550 pixels in all");
}

TEST(HostileImages, ExtremeShapes) {
  const std::string tall = solid_png(1, 65535, 8, 0, 1);
  const std::string wide = solid_png(65535, 1, 1, 0, 8192);
  EXPECT_EQ(outcome(solid_png(1, 1, 8, 2, 3)), "1x1");
  EXPECT_EQ(outcome(tall), "1x65535");
  EXPECT_EQ(outcome(wide), "65535x1");
  EXPECT_EQ(outcome(with_jpeg_size(source("gray.jpg"), 65500, 1)),
            "1x65500");  // damaged, but libjpeg goes on
  const std::array images = {EncodedImage{as_bytes(tall), "tall.png"}};
  ThreadPool pool(1);
  try {
    preprocess(images, {}, pool);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "[tall.png] picture of 1x65535 pixels has the aspect ratio 65535.0, expected at most 200");
  }
}

TEST(HostileImages, DamagedPngFiles) {
  const std::string photo = source("photo.png");
  const std::size_t data = photo.find("IDAT");
  std::string bad_header = photo;
  bad_header[29] ^= 1;  // checksum of IHDR
  std::string bad_data = photo;
  bad_data[data + 100] ^= 1;
  std::string endless = photo;
  endless[data - 4] = '\x7f';
  EXPECT_EQ(outcome(bad_header), "[x] PNG: IHDR: CRC error");
  EXPECT_EQ(outcome(bad_data).substr(0, 9), "[x] PNG: ");
  EXPECT_EQ(outcome(endless).substr(0, 9), "[x] PNG: ");
  EXPECT_EQ(outcome(png_start(0, 5)), "[x] PNG: Invalid IHDR data");
  EXPECT_EQ(outcome(png_start(5, 5)), "[x] PNG: the file is truncated");
  EXPECT_EQ(outcome(png_start(5, 5, 3)), "[x] PNG: Invalid IHDR data");
  EXPECT_EQ(outcome(png_start(8, 1, 8, 3) + png_chunk_of("IDAT", deflate_of(std::string(9, '\0')))),
            "[x] PNG: IDAT: Missing PLTE before IDAT");
  EXPECT_EQ(outcome(png_start(8, 2) + png_chunk_of("tRNS", "a") +
                    png_chunk_of("IDAT", deflate_of(std::string(50, '\0')))),
            "[x] PNG: tRNS chunk of 1 bytes, expected 6");
  EXPECT_EQ(outcome(png_start(8, 2) + png_chunk_of("IDAT", deflate_of(std::string(30, '\0')))).substr(0, 9),
            "[x] PNG: ");
  EXPECT_EQ(outcome(photo.substr(0, 8)), "[x] PNG: the file is truncated");
}

TEST(HostileImages, DamagedJpegAndWebpFiles) {
  const std::string photo = source("rgb-420.jpg");
  EXPECT_EQ(outcome(with_jpeg_size(photo, 0, 5)), "[x] JPEG: Empty JPEG image (DNL not supported)");
  EXPECT_EQ(outcome(photo.substr(0, 3)), "[x] JPEG: the file is truncated");
  EXPECT_EQ(outcome(photo.substr(0, 300)), "[x] JPEG: the file is truncated");
  EXPECT_EQ(outcome(source("lossy.webp").substr(0, 500)), "[x] WebP: the file is truncated");
  EXPECT_EQ(outcome(source("animated.webp").substr(0, 500)), "[x] WebP: damaged or truncated animation");
  EXPECT_EQ(outcome(source("lossy.webp").substr(0, 12)), "[x] WebP: the file is truncated");
}

// A progressive file whose scans never end: a pass over all coefficients each.
TEST(HostileImages, TooManyScansAreRefused) {
  const std::string photo = source("gray-progressive.jpg");
  const std::string start_of_scan = "\xff\xda";
  const std::size_t first = photo.find(start_of_scan);
  const std::size_t last = photo.rfind(start_of_scan);
  std::string file = photo.substr(0, last);
  const std::string scan = photo.substr(last, photo.size() - 2 - last);
  for (int i = 0; i < 200; ++i) file += scan;
  ASSERT_LT(first, last);
  EXPECT_EQ(outcome(file + "\xff\xd9"), "[x] JPEG: more than 100 scans");
}

// Wherever a file ends: what the reference refuses is refused, and what is accepted equals the reference's
// pixels.
TEST(HostileImages, CutFilesFareAsInTheReference) {
  const Json json = read_json(golden_root() / "cases.json");
  int refused_by_both = 0;
  int read_by_both = 0;
  int stricter = 0;
  for (const Json& entry : json["cuts"]) {
    const std::string file = source(entry[0].get<std::string>()).substr(0, entry[1].get<std::size_t>());
    std::optional<std::uint32_t> ours;
    try {
      ours = crc_of(decode(as_bytes(file), "x").pixels);
    } catch (const Error& error) {
      EXPECT_TRUE(file.empty() || std::string_view(error.what()).find("trunc") != std::string_view::npos ||
                  file.size() < 12)
          << error.what();
    }
    std::optional<std::uint32_t> theirs;
    if (!entry[2].is_null()) theirs = entry[2].get<std::uint32_t>();
    if (theirs && !ours) {
      ++stricter;  // a PNG file that ends within the checksums after its pixels
      continue;
    }
    EXPECT_EQ(ours, theirs) << entry.dump();
    (theirs ? read_by_both : refused_by_both) += 1;
  }
  EXPECT_GT(refused_by_both, 150);
  EXPECT_GT(read_by_both, 20);
  EXPECT_LE(stricter, 9);
}

TEST(HostileImages, RandomDamageNeverBreaksTheNextPicture) {
  Random random(7);
  for (const char* name : {"odd-progressive.jpg", "cmyk.jpg", "interlaced-alpha.png",
                           "p-transparent-many.png", "lossy-alpha.webp", "animated.webp"}) {
    const std::string good = source(name);
    const std::string before = outcome(good);
    for (int i = 0; i < 60; ++i) {
      std::string bad = good;
      for (std::uint64_t flips = random.below(8) + 1; flips > 0; --flips)
        bad[random.below(bad.size())] = static_cast<char>(random.below(256));
      const std::string result = outcome(bad, {.max_pixels = 1 << 22, .apply_orientation = true});
      EXPECT_FALSE(result.empty());
      exif_orientation(as_bytes(bad));
    }
    EXPECT_EQ(outcome(good), before);
  }
}

TEST(HostileImages, RandomBytesAreRefused) {
  Random random(11);
  const std::array<std::string, 4> starts = {"", "\xff\xd8\xff", "\x89PNG\r\n\x1a\n",
                                             std::string("RIFF\x40\0\0\0WEBP", 12)};
  for (const std::string& start : starts)
    for (int i = 0; i < 50; ++i) {
      std::string file = start;
      for (int k = 0; k < 300; ++k) file.push_back(static_cast<char>(random.below(256)));
      EXPECT_EQ(outcome(file).substr(0, 4), "[x] ");
    }
}

TEST(Orientation, DamagedExifMeansAsStored) {
  const std::string file = source("exif-6.jpg");
  EXPECT_EQ(exif_orientation(as_bytes(file)), 6);
  EXPECT_EQ(exif_orientation(as_bytes(source("exif-6.png"))), 6);
  EXPECT_EQ(exif_orientation(as_bytes(source("exif-8.webp"))), 8);
  EXPECT_EQ(exif_orientation(as_bytes(source("gray.jpg"))), 1);
  const std::size_t exif = file.find("Exif");
  for (std::size_t cut = 0; cut < exif + 40; ++cut) {
    const int orientation = exif_orientation(as_bytes(file.substr(0, cut)));
    EXPECT_TRUE(orientation == 1 || orientation == 6);
  }
  for (std::size_t at = exif + 6; at < exif + 36; ++at) {
    std::string bad = file;
    bad[at] = '\xff';
    EXPECT_GE(exif_orientation(as_bytes(bad)), 1);
    EXPECT_LE(exif_orientation(as_bytes(bad)), 8);
  }
}

}  // namespace
}  // namespace artemis
