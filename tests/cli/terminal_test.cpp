// `artemis chat` at a terminal: editing, history, completion, and pictures between the lines.
#include "cli/terminal.h"

#include <sys/stat.h>

#include "artemis/cli/history_file.h"
#include "artemis/cli/inline_picture.h"
#include "artemis/cli/line_editor.h"
#include "artemis/cli/sixel.h"
#include "artemis/image/decode.h"
#include "support/files.h"

namespace artemis {
namespace {

const std::string cup = ARTEMIS_GOLDEN_DIR "/model/images/cup.png";

class AtTerminal : public testing::Test {
 protected:
  test::Terminal chat(std::vector<std::string> more = {}, const std::string& term = "xterm") {
    std::vector<std::string> words = {
        ARTEMIS_PROGRAM,    "chat", "--model", ARTEMIS_SOURCE_DIR "/lab/models/nano-vlm", "--no-thinking",
        "--max-new-tokens", "24"};
    words.insert(words.end(), more.begin(), more.end());
    std::map<std::string, std::string> environment{
        {"TERM", term}, {"XDG_STATE_HOME", folder_.path()}, {"NO_COLOR", "1"}};
    for (const char* name : {"STY", "TMUX", "INSIDE_EMACS", "TERM_PROGRAM", "LC_TERMINAL", "KITTY_WINDOW_ID",
                             "KONSOLE_VERSION"}) {
      environment[name] = "";
    }
    environment["HOME"] = folder_.path();  // no ~/.editrc
    return {words, environment};
  }
  // The editor's next line is there: behind an end of line, while one that is drawn again follows a carriage
  // return alone; the terminal takes keys as they come just after it.
  static std::string await_prompt(test::Terminal& terminal) {
    const std::string shown = terminal.until("\n> ");
    terminal.until_raw();
    return shown;
  }
  std::filesystem::path history() const { return folder_.path() / "artemis/chat_history"; }

  test::TemporaryFolder folder_;
};

TEST_F(AtTerminal, LinesAreEditedCompletedAndRemembered) {
  std::string rest;
  {
    auto terminal = chat();
    await_prompt(terminal);
    terminal.type("/qelp\033[D\033[D\033[D\bh\r");  // a wrong letter is replaced
    terminal.until("Ctrl-C stops an answer");
    await_prompt(terminal);
    terminal.type("/sys\t \xC3\xA9t\xC3\xA9\r");  // Tab completes, letters are UTF-8
    await_prompt(terminal);
    terminal.type("half a line\x03");  // Ctrl-C begins anew
    terminal.until("^C");
    await_prompt(terminal);
    terminal.type("\033[A\033[A\r");  // the arrow brings the line before the last
    terminal.until("Ctrl-C stops an answer");
    await_prompt(terminal);
    terminal.type("\x04");  // Ctrl-D ends
    EXPECT_EQ(terminal.wait(rest), 0) << rest;
  }
  EXPECT_EQ(HistoryFile(history()).lines(),
            (std::vector<std::string>{"/help", "/system \xC3\xA9t\xC3\xA9", "/help"}));
  struct stat status {};
  ASSERT_EQ(stat(history().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(stat(history().parent_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  {
    auto terminal = chat();  // a later session
    await_prompt(terminal);
    terminal.type("\033[A\r");
    terminal.until("Ctrl-C stops an answer");
    await_prompt(terminal);
    terminal.type("/quit\r");
    EXPECT_EQ(terminal.wait(rest), 0) << rest;
  }
  auto terminal = chat({"--no-history"});
  await_prompt(terminal);
  terminal.type("/clear\r");
  await_prompt(terminal);
  terminal.type("\x04");
  EXPECT_EQ(terminal.wait(rest), 0) << rest;
  EXPECT_EQ(HistoryFile(history()).lines().back(), "/quit");
}

TEST_F(AtTerminal, PicturesAreShownAsTheTerminalSaysThatItCan) {
  std::string rest;
  auto terminal = chat();
  await_prompt(terminal);
  terminal.type("/image " + cup + "\r");
  EXPECT_EQ(terminal.until("\033[c").find("\033_G"), std::string::npos);  // xterm is not asked in kitty's way
  terminal.type("/he\033[?62;4;22clp\r");  // the answer, with what was typed around it
  terminal.until("\033P0;1q");
  terminal.until("\033\\");
  terminal.until("Ctrl-C stops an answer");
  terminal.type("/image " + cup + "\r");  // it is asked once
  EXPECT_EQ(terminal.until("\033P0;1q").find("\033[c"), std::string::npos);
  await_prompt(terminal);
  terminal.type("\x04");
  EXPECT_EQ(terminal.wait(rest), 0) << rest;
}

TEST_F(AtTerminal, NothingIsShownWhereItWouldBeGarbage) {
  std::string rest;
  auto plain = chat({"--image", cup}, "linux");
  plain.until("/image FILE attaches");
  await_prompt(plain);
  plain.type("Describe this image.\r");
  const std::string answer = await_prompt(plain);
  EXPECT_EQ(answer.find("\033P"), answer.npos);
  EXPECT_EQ(answer.find("\033_"), answer.npos);
  plain.type("\x04");
  EXPECT_EQ(plain.wait(rest), 0) << rest;

  auto kitty = chat({"--image", cup, "--show-pictures", "kitty"}, "linux");
  kitty.until("\033_Ga=T,f=100,q=2,m=");
  await_prompt(kitty);
  kitty.type("\x04");
  EXPECT_EQ(kitty.wait(rest), 0) << rest;
}

TEST(InlinePicture, HintsComeFromTheEnvironment) {
  const auto hint = [](const std::map<std::string, std::string>& values) {
    return terminal_hint([&](const char* name) {
      const auto found = values.find(name);
      return found == values.end() ? nullptr : found->second.c_str();
    });
  };
  for (const auto& none : std::vector<std::map<std::string, std::string>>{
           {},
           {{"TERM", "dumb"}},
           {{"TERM", "linux"}},
           {{"TERM", "screen"}, {"STY", "1.a"}},
           {{"TERM", "xterm-256color"}, {"TERM_PROGRAM", "Apple_Terminal"}},
           {{"TERM", "xterm"}, {"INSIDE_EMACS", "29"}}}) {
    EXPECT_FALSE(hint(none).may_ask);
    EXPECT_EQ(hint(none).sure, PictureProtocol::none);
  }
  EXPECT_EQ(hint({{"TERM", "xterm"}, {"LC_TERMINAL", "iTerm2"}}).sure, PictureProtocol::iterm);
  EXPECT_EQ(hint({{"TERM", "screen"}, {"TMUX", "x"}, {"LC_TERMINAL", "iTerm2"}}).sure, PictureProtocol::none);
  EXPECT_TRUE(hint({{"TERM", "xterm-kitty"}}).may_know_kitty);
  EXPECT_FALSE(hint({{"TERM", "screen"}, {"TMUX", "x"}, {"KITTY_WINDOW_ID", "1"}}).may_know_kitty);
  EXPECT_FALSE(hint({{"TERM", "xterm"}}).may_know_kitty);
  EXPECT_TRUE(hint({{"TERM", "xterm"}}).may_ask);
}

TEST(InlinePicture, AnswersOfTerminals) {
  EXPECT_FALSE(read_answer(""));
  EXPECT_FALSE(read_answer("\033_Gi=31;OK\033\\"));  // the attributes come last
  EXPECT_EQ(read_answer("\033_Gi=31;OK\033\\\033[?62;4c")->protocol, PictureProtocol::kitty);
  EXPECT_EQ(read_answer("\033_Gi=31;EINVAL:x\033\\\033[?62;4c")->protocol, PictureProtocol::sixel);
  EXPECT_EQ(read_answer("\033[?4;1;2c")->protocol, PictureProtocol::none);  // the class is no feature
  EXPECT_EQ(read_answer("\033[?62;14;42c")->protocol, PictureProtocol::none);
  EXPECT_EQ(read_answer("a\033[?62;cb")->typed, "ab");
}

TEST(InlinePicture, EscapesHoldThePicture) {
  Tensor pixels = Tensor::allocate(DType::u8, Shape{70, 90, 3});
  std::uint32_t noise = 1;  // hardly any of it goes when it is packed
  for (std::int64_t i = 0; i < pixels.count(); ++i) {
    noise = noise * 1664525 + 1013904223;
    pixels.mutable_data<std::uint8_t>()[i] = static_cast<std::uint8_t>(noise >> 24);
  }
  std::string kitty = picture_escape(pixels, PictureProtocol::kitty);
  std::string png;
  int pieces = 0;
  for (std::size_t at = kitty.find("\033_G"); at != kitty.npos; at = kitty.find("\033_G", at + 1), ++pieces) {
    const std::size_t begin = kitty.find(';', at) + 1;
    const std::size_t end = kitty.find("\033\\", begin);
    ASSERT_LE(end - begin, 4096u);
    png += kitty.substr(begin, end - begin);
  }
  EXPECT_GT(pieces, 2);
  const std::string bytes = test::decode_base64(png);
  const Image image = decode(std::as_bytes(std::span(bytes)), "kitty");
  ASSERT_EQ(image.pixels.shape(), pixels.shape());
  EXPECT_TRUE(std::equal(pixels.data<std::uint8_t>(), pixels.data<std::uint8_t>() + pixels.count(),
                         image.pixels.data<std::uint8_t>()));

  const std::string iterm = picture_escape(pixels, PictureProtocol::iterm);
  EXPECT_TRUE(iterm.starts_with("\033]1337;File=inline=1;size=" + std::to_string(bytes.size()) +
                                ";width=90px;height=70px:"));
  EXPECT_TRUE(iterm.ends_with("\a\n"));
  EXPECT_EQ(picture_escape(pixels, PictureProtocol::none), "");
  EXPECT_EQ(fit_picture(pixels, 35, 1000).shape(), (Shape{35, 45, 3}));
  EXPECT_EQ(fit_picture(pixels, 1000, 1000).raw(), pixels.raw());
}

TEST(Sixel, ColoursLieInBands) {
  Tensor pixels = Tensor::allocate(DType::u8, Shape{7, 5, 3});  // red, and a row of white at the bottom
  auto* rgb = pixels.mutable_data<std::uint8_t>();
  for (std::int64_t i = 0; i < 35; ++i) {
    rgb[3 * i] = 255;
    rgb[3 * i + 1] = rgb[3 * i + 2] = i < 30 ? 0 : 255;
  }
  const std::string text = sixel_escape(pixels);
  EXPECT_TRUE(text.starts_with("\033P0;1q\"1;1;5;7#0;2;0;0;0#1;2;0;0;20")) << text;
  EXPECT_TRUE(text.ends_with("#180!5~$-#215!5@$-\033\\")) << text;
}

TEST(Completion, CommandsAndFiles) {
  const std::vector<Command> commands{{"/image", true}, {"/save", true}, {"/system"}};
  const test::TemporaryFolder folder;
  folder.write("one.png", "");
  folder.write("one.jpg", "");
  folder.write("two/three.png", "");
  folder.write("caf\xC3\xA9", "");
  folder.write("caf\xC3\xA8", "");
  const std::string at = "/image " + folder.path().string() + "/";
  EXPECT_EQ(completion("/im", commands), "age ");
  EXPECT_EQ(completion("/s", commands), "");
  EXPECT_EQ(completion("/sy", commands), "stem");
  EXPECT_EQ(completion("", commands), "");
  EXPECT_EQ(completion(at + "o", commands), "ne.");
  EXPECT_EQ(completion(at + "one.p", commands), "ng");
  EXPECT_EQ(completion(at + "tw", commands), "o/");
  EXPECT_EQ(completion(at + "two/", commands), "three.png");
  EXPECT_EQ(completion(at + "c", commands), "af");  // no half of a character
  EXPECT_EQ(completion(at + "none", commands), "");
  EXPECT_EQ(completion("/system " + folder.path().string() + "/o", commands), "");
}

TEST(HistoryFile, KeepsTheLastLinesForTheirOwner) {
  const test::TemporaryFolder folder;
  const HistoryFile history(folder.path() / "a/b/history");
  EXPECT_TRUE(history.lines().empty());
  for (const char* line : {"one", "two", "two", " secret", ""}) history.add(line);
  EXPECT_EQ(history.lines(), (std::vector<std::string>{"one", "two"}));
  std::string many;
  for (int i = 0; i < 1500; ++i) many += std::to_string(i) + "\n";
  const HistoryFile full(folder.write("full", many));
  full.add("last");
  EXPECT_EQ(full.lines().size(), HistoryFile::most_lines);
  EXPECT_EQ(full.lines().back(), "last");
  EXPECT_EQ(full.lines().front(), "501");
  EXPECT_NE(test::error_of([&] { HistoryFile(folder.path() / "full/x").add("line"); }), "");
  // Chat goes on without a history where Error says that it cannot be read.
  std::filesystem::create_symlink("loop", folder.path() / "loop");
  test::expect_error(test::error_of([&] { HistoryFile(folder.path() / "loop/x").lines(); }),
                     "cannot be read");
}

}  // namespace
}  // namespace artemis
