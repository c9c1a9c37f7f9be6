// Conversations: `artemis chat` on a pipe, and what it is made of.
#include <stdio_ext.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <iostream>

#include "artemis/cli/conversation.h"
#include "artemis/cli/interrupt.h"
#include "cli/run.h"

namespace artemis {
namespace {

const std::filesystem::path models = std::filesystem::path(ARTEMIS_SOURCE_DIR) / "lab/models";
const std::string cup = ARTEMIS_GOLDEN_DIR "/model/images/cup.png";
const std::string cat = ARTEMIS_GOLDEN_DIR "/model/images/cat.png";

// Standard input from a pipe that holds a text.
class PipedInput {
 public:
  explicit PipedInput(std::string_view text) : kept_(dup(STDIN_FILENO)) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
    if (write(ends[1], text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error("the pipe took less");
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    restart();
  }
  ~PipedInput() {
    dup2(kept_, STDIN_FILENO);
    close(kept_);
    restart();
  }
  PipedInput(const PipedInput&) = delete;
  PipedInput& operator=(const PipedInput&) = delete;

 private:
  static void restart() {
    __fpurge(stdin);  // what was read ahead of an earlier pipe
    std::clearerr(stdin);
    std::cin.clear();
  }

  int kept_;
};

class Chat : public testing::Test {
 protected:
  // Greedy, short, without thoughts.
  Ran chat(const std::string& input, std::vector<std::string> more = {}) {
    const PipedInput piped(input);
    std::vector<std::string> words = {"chat",          "--model",          models / "nano-vlm",
                                      "--no-thinking", "--max-new-tokens", "24"};
    words.insert(words.end(), more.begin(), more.end());
    return artemis_run(words);
  }
  std::string at(const std::string& name) const { return (folder_.path() / name).string(); }

  test::TemporaryFolder folder_;
};

TEST_F(Chat, TurnsKeepTheirHistoryAndPictures) {
  const Ran said = chat("/system Answer in few words.\n/image " + cup + "\n/image " + cat +
                        "\nWhat is here?\n/image " + cup + "\nWhat else?\n/save " + at("said.json") + "\n");
  ASSERT_EQ(said.code, 0) << said.err;
  const Json messages = read_json(at("said.json"));
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_EQ(messages[0], Json({{"role", "system"}, {"content", "Answer in few words."}}));
  EXPECT_EQ(messages[1]["content"].size(), 3u);
  EXPECT_EQ(messages[1]["content"][1], Json({{"type", "image"}, {"image", cat}}));
  EXPECT_EQ(messages[1]["content"][2]["text"], "What is here?");
  EXPECT_EQ(messages[3]["content"].size(), 2u);
  const auto answer = [&](std::size_t i) { return messages[i]["content"].get<std::string>(); };
  EXPECT_FALSE(answer(2).empty());
  EXPECT_EQ(said.out, answer(2) + "\n" + answer(4) + "\n");

  // The second answer is the one that these messages and pictures give.
  const Json before(Json::array_t(messages.begin(), messages.end() - 1));
  const Ran alone = artemis_run({"generate", "--model", models / "nano-vlm", "--no-thinking", "--messages",
                                 folder_.write("m.json", before.dump()), "--max-new-tokens", "24", "--image",
                                 cup, "--image", cat, "--image", cup, "--json"});
  ASSERT_EQ(alone.code, 0) << alone.err;
  EXPECT_EQ(parse_json(alone.out, "out")["text"], answer(4));
}

TEST_F(Chat, FaultsAreOneLineAndTheChatGoesOn) {
  std::string endless;
  for (int i = 0; i < 3000; ++i) endless += "red ";
  folder_.write("text.png", "no picture");
  const Ran said = chat("/imgae x\n/image " + at("missing.png") + "\n/image " + at("text.png") +
                        "\n/image\n/save " + at("early.json") + "\n" + endless + "\n\xff\xfe\n/save " +
                        at("no/folder.json") + "\n/save " + at("said.json"));
  EXPECT_EQ(said.code, 0);
  for (const char* line : {"[chat] there is no command '/imgae', did you mean '/image'?", "missing.png",
                           "text.png", "[/image] expected a picture file", "[/save] nothing was said yet",
                           "pass the model's context of 2048; the message is taken back", "no/folder.json"}) {
    EXPECT_NE(said.err.find(line), std::string::npos) << line << "\n" << said.err;
  }
  EXPECT_EQ(said.err.find("> "), std::string::npos) << said.err;
  EXPECT_FALSE(std::filesystem::exists(at("early.json")));
  const Json messages = read_json(at("said.json"));  // the last message alone
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0]["content"], "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_F(Chat, CommandsStartOverAndEnd) {
  const Ran said = chat("/system One.\nhello\n/clear\nhello\n/save " + at("cleared.json") +
                        "\n/system Two.\nhello\n/save " + at("two.json") + "\n/system\nhello\n/save " +
                        at("none.json") + "\n/help\n/quit\n/save " + at("never.json") + "\n");
  ASSERT_EQ(said.code, 0) << said.err;
  const Json cleared = read_json(at("cleared.json"));
  EXPECT_EQ(cleared.size(), 3u);
  EXPECT_EQ(cleared[0]["content"], "One.");
  EXPECT_EQ(read_json(at("two.json"))[0]["content"], "Two.");
  EXPECT_EQ(read_json(at("two.json")).size(), 3u);
  EXPECT_EQ(read_json(at("none.json"))[0]["role"], "user");
  EXPECT_NE(said.err.find("/image FILE"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(at("never.json")));
}

TEST_F(Chat, EndOfInputAloneIsNoFailure) {
  const Ran said = chat("");
  EXPECT_EQ(said.code, 0);
  EXPECT_EQ(said.out + said.err, "");
  EXPECT_EQ(chat("hello\n", {"--image", at("missing.png")}).code, 1);
  EXPECT_EQ(chat("hello\n", {"--max-new-tokens", "0"}).code, 2);
}

TEST_F(Chat, GoesOnFromWhatWasSaved) {
  const Ran said = chat("/image " + cup + "\nDescribe this image.\n/save " + at("said.json") +
                        "\n/again\n/save " + at("again.json") + "\n");
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(read_json(at("said.json")),
            read_json(at("again.json")));  // greedy: the same answer, in its place
  const Ran loaded =
      chat("/load " + at("said.json") + "\nWhat else?\n/save " + at("more.json") + "\n/clear\n/again\n");
  ASSERT_EQ(loaded.code, 0) << loaded.err;
  EXPECT_NE(loaded.err.find("2 messages from "), std::string::npos) << loaded.err;
  EXPECT_NE(loaded.err.find("[chat] there is no message to answer again"), std::string::npos) << loaded.err;
  const Ran straight =
      chat("/image " + cup + "\nDescribe this image.\nWhat else?\n/save " + at("straight.json") + "\n");
  EXPECT_EQ(read_json(at("more.json")), read_json(at("straight.json")));
}

TEST_F(Chat, WhatIsNoConversationIsNotLoaded) {
  const std::vector<std::pair<std::string, std::string>> files{
      {"{}", "[/load] expected a list of messages"},
      {"[1]", "[/load: message 1] expected an object"},
      {R"([{"role":"tool","content":"x"}])", "its role is \"tool\""},
      {R"([{"role":"user","content":5}])", "neither a text nor a list"},
      {R"([{"role":"user","content":[{"type":"image","image":7}]}])", "neither a text nor a picture's file"},
      {R"([{"role":"user","content":[{"type":5}]}])", "message 1] a part is neither a text nor"},
      {R"([{"role":"user","content":[{"type":"image","image":"/missing.png"}]}])", "/missing.png"}};
  std::string input = "hello\n";
  for (std::size_t i = 0; i < files.size(); ++i) {
    input += "/load " + folder_.write(std::to_string(i) + ".json", files[i].first).string() + "\n";
  }
  const Ran said = chat(input + "/save " + at("kept.json") + "\n");
  for (const auto& [file, line] : files)
    EXPECT_NE(said.err.find(line), std::string::npos) << line << "\n" << said.err;
  EXPECT_EQ(read_json(at("kept.json")).size(), 2u);
}

TEST_F(Chat, MessagesOfSeveralLines) {
  const Ran said =
      chat("\"\"\"\n/one\n\n two\"\"\"\n\"\"\"three\"\"\"\n\"\"\"\n\"\"\"\n/save " + at("said.json") + "\n");
  ASSERT_EQ(said.code, 0) << said.err;
  const Json messages = read_json(at("said.json"));
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0]["content"], "/one\n\n two");
  EXPECT_EQ(messages[2]["content"], "three");
}

TEST_F(Chat, APipeHoldsAnswersAlone) {
  const Ran said = chat("/image " + cup + "\nDescribe this image.\n", {"--show-pictures", "kitty"});
  EXPECT_EQ(said.code, 0);
  EXPECT_EQ((said.out + said.err).find('\033'), std::string::npos);
  EXPECT_EQ(chat("", {"--show-pictures", "ascii"}).code, 2);
}

TEST(Conversation, AStoppedAnswerIsKept) {
  Context ctx{Device{}, 2};
  const LoadedModel model = load_model(ctx, models / "nano-vlm", DType::f32);
  const AnswerOptions options;  // with thoughts
  Conversation conversation(ctx, model, options);
  std::atomic<bool> cancel{false};
  std::string streamed;
  const GenerateResult result = conversation.say(
      "Describe a green star.",
      [&](const ReasoningPiece& piece) {
        streamed += piece.reasoning;
        cancel = !streamed.empty();
      },
      cancel);
  EXPECT_EQ(result.finish_reason, "cancelled");
  ASSERT_EQ(conversation.messages().size(), 2u);
  const Json& answer = conversation.messages()[1];
  EXPECT_EQ(answer["role"], "assistant");
  EXPECT_EQ(answer["content"], "");
  EXPECT_FALSE(streamed.empty());
  EXPECT_NE(streamed.find(answer["reasoning_content"].get<std::string>()), std::string::npos);
}

TEST(Interrupt, AsksOnceAndLetsGo) {
  static int before = 0;
  const auto previous = std::signal(SIGINT, [](int) { ++before; });
  {
    const InterruptGuard guard(std::array{SIGINT}, "");
    EXPECT_FALSE(guard.asked());
    std::raise(SIGINT);
    EXPECT_TRUE(guard.asked());
  }
  EXPECT_EQ(before, 0);
  std::raise(SIGINT);
  EXPECT_EQ(before, 1);
  EXPECT_FALSE(InterruptGuard(std::array{SIGINT}, "").asked());
  EXPECT_EXIT(
      {
        const InterruptGuard guard(std::array{SIGINT}, "");
        std::raise(SIGINT);
        std::raise(SIGINT);
      },
      testing::ExitedWithCode(130), "");
  std::signal(SIGINT, previous);
}

}  // namespace
}  // namespace artemis
