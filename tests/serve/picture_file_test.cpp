// Pictures in files of this machine: those of the named folders, and no others.
#include "artemis/serve/picture_file.h"

#include <sys/stat.h>

#include <fstream>

#include "artemis/io/base64.h"
#include "serve/service_fixture.h"
#include "support/files.h"

namespace artemis {
namespace {

namespace fs = std::filesystem;

class PictureFiles : public testing::Test {
 protected:
  PictureFiles() {
    fs::create_directories(folder_.path() / "pictures/more");
    fs::create_directories(folder_.path() / "pictures-of-others");
    write("pictures/a b.png", "inside");
    write("pictures/more/c.png", "deeper");
    write("secret", "outside");
    write("pictures-of-others/a.png", "outside");
    fs::create_symlink("more/c.png", folder_.path() / "pictures/link");
    fs::create_symlink("../secret", folder_.path() / "pictures/way-out");
    fs::create_symlink(folder_.path() / "secret", folder_.path() / "pictures/absolute");
    fs::create_symlink("..", folder_.path() / "pictures/up");
    EXPECT_EQ(mkfifo((folder_.path() / "pictures/pipe").c_str(), 0600), 0);
    folders_ = picture_folders({(folder_.path() / "pictures/").string()});
  }

  void write(const char* name, const char* text) { std::ofstream(folder_.path() / name) << text; }

  std::string url(const std::string& rest) const { return "file://" + folder_.path().string() + rest; }

  // What is read, or what is said instead.
  std::string read(const std::string& from, std::size_t most_bytes = 100) const {
    try {
      return read_picture_file(from, "url", folders_, most_bytes);
    } catch (const TooLargeError&) {
      return "too large";
    } catch (const Error& error) {
      return error.what();
    }
  }

  test::TemporaryFolder folder_;
  std::vector<fs::path> folders_;
};

TEST_F(PictureFiles, BelowTheFolderAreRead) {
  EXPECT_EQ(read(url("/pictures/a%20b.png")), "inside");
  EXPECT_EQ(read(url("/pictures/more/c.png")), "deeper");
  EXPECT_EQ(read(url("/pictures/more/../link")), "deeper");
  EXPECT_EQ(read(url("/pictures/up/pictures/link")), "[url] pictures may not be read from this place");
  EXPECT_EQ(read("FILE://localhost" + folder_.path().string() + "/pictures/more/c.png"), "deeper");
  EXPECT_EQ(read(url("/pictures/more/c.png"), 6), "deeper");
  EXPECT_EQ(read(url("/pictures/more/c.png"), 5), "too large");
}

TEST_F(PictureFiles, NothingElseIs) {
  for (const char* rest : {"/secret", "/pictures/../secret", "/pictures/%2e%2e/secret", "/pictures/way-out",
                           "/pictures/absolute", "/pictures/up/secret", "/pictures-of-others/a.png",
                           "/pictures", "/pictures/..", "/pictures/more/../../secret", "/none"}) {
    EXPECT_EQ(read(url(rest)), "[url] pictures may not be read from this place") << rest;
  }
  for (const char* rest : {"/pictures/none.png", "/pictures/a%20b.png/x"}) {
    EXPECT_EQ(read(url(rest)), "[url] the picture's file cannot be read") << rest;
  }
  EXPECT_NE(read(url("/pictures/more")).find("is a directory"), std::string::npos);
  EXPECT_NE(read(url("/pictures/pipe")).find("is no regular file"), std::string::npos);
  for (const std::string& bad :
       {"file://elsewhere.example" + folder_.path().string() + "/pictures/link", url("/pictures/link%00.png"),
        std::string("file:"), std::string("file://")}) {
    EXPECT_TRUE(read(bad).starts_with("[url] ")) << bad;
  }
  EXPECT_THROW(picture_folders({url("/secret")}), Error);
  EXPECT_THROW(picture_folders({(folder_.path() / "none").string()}), Error);
}

TEST(Service, PicturesInFiles) {
  const fs::path images = fs::path(ARTEMIS_GOLDEN_DIR) / "model/images";
  const fs::path picture = fs::directory_iterator(images)->path();
  const auto ask = [](test::ServiceRun& run, const std::string& url) {
    Json body = test::question("What?");
    body["messages"][0]["content"] = Json::array({{{"type", "image_url"}, {"image_url", {{"url", url}}}}});
    return run.chat(body);
  };
  ServiceOptions options;
  options.picture_folders = picture_folders({images.string()});
  test::ServiceRun open(options);
  const auto answer = ask(open, "file://" + picture.string());
  ASSERT_EQ(answer->status(), 200) << answer->body();
  const std::string kind = picture.extension() == ".png" ? "png" : "jpeg";
  const auto same = ask(open, "data:image/" + kind + ";base64," + encode_base64(read_file(picture)));
  ASSERT_EQ(same->status(), 200) << same->body();
  EXPECT_EQ(test::choice_of(answer->json())["message"], test::choice_of(same->json())["message"]);
  EXPECT_EQ(ask(open, "file:///etc/passwd")->status(), 400);
  test::ServiceRun closed;
  EXPECT_EQ(ask(closed, "file://" + picture.string())->status(), 400);
}

}  // namespace
}  // namespace artemis
