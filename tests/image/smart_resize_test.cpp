#include "artemis/image/smart_resize.h"

#include <gtest/gtest.h>

#include "artemis/core/error.h"

namespace artemis {
namespace {

PictureSize fit(std::int64_t height, std::int64_t width) {
  return smart_resize({height, width}, 32, 32 * 32, 512 * 512, "test");
}

TEST(SmartResize, RoundsHalfToEven) {
  EXPECT_EQ(fit(48, 80), (PictureSize{64, 64}));      // 1.5 -> 2, 2.5 -> 2
  EXPECT_EQ(fit(112, 144), (PictureSize{128, 128}));  // 3.5 -> 4, 4.5 -> 4
}

TEST(SmartResize, StaysWithinPixels) {
  EXPECT_EQ(fit(512, 512), (PictureSize{512, 512}));
  EXPECT_EQ(fit(427, 640), (PictureSize{416, 608}));
  EXPECT_EQ(fit(1, 1), (PictureSize{32, 32}));
  EXPECT_EQ(fit(10, 40), (PictureSize{32, 64}));
  EXPECT_EQ(fit(31, 6200), (PictureSize{32, 6208}));
}

TEST(SmartResize, RefusesAspectRatioOver200) {
  EXPECT_NO_THROW(fit(1, 200));
  try {
    fit(1, 201);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "[test] picture of 201x1 pixels has the aspect ratio 201.0, expected at most 200");
  }
}

}  // namespace
}  // namespace artemis
