// Merges learned from small corpora equal the reference's; what cannot be learned from is refused.
#include <gtest/gtest.h>

#include <filesystem>

#include "artemis/text/tokenizer.h"
#include "artemis/text/tokenizer_trainer.h"
#include "support/files.h"

namespace artemis {
namespace {

using test::error_of;

constexpr const char* words = R"( ?[\p{L}\p{N}+_'-]+| ?[^\s\p{L}\p{N}]+|\s+)";
constexpr std::int64_t byte_count = 256;

TEST(TokenizerTrainer, LearnsWhatTheReferenceLearns) {
  const Json golden =
      read_json(std::filesystem::path(ARTEMIS_GOLDEN_DIR) / "tokenizer_trainer" / "cases.json");
  const auto added = golden.at("added").get<std::vector<std::string>>();
  std::size_t merges = 0;
  for (const Json& entry : golden.at("cases")) {
    SCOPED_TRACE(entry.at("texts").dump().substr(0, 80));
    TokenizerTrainer trainer(added, entry.at("pattern").get<std::string>());
    for (const Json& text : entry.at("texts")) trainer.add(text.get<std::string>());
    const Json model =
        trainer
            .train(entry.at("vocab_size").get<std::int64_t>(), entry.at("min_frequency").get<std::int64_t>())
            .at("model");
    const SortedJson vocab(model.at("vocab"));
    Json ids = Json::array();
    for (const Json& pair : model.at("merges")) {
      ids.push_back({vocab.at(pair[0].get<std::string>()), vocab.at(pair[1].get<std::string>())});
    }
    EXPECT_EQ(ids, entry.at("merges"));
    const std::size_t first = added.size() + byte_count;
    ASSERT_EQ(vocab.size(), first + entry.at("tokens").size());
    for (std::size_t i = 0; i < entry.at("tokens").size(); ++i) {
      EXPECT_EQ(vocab.at(entry.at("tokens")[i].get<std::string>()), first + i);
    }
    merges += ids.size();
  }
  EXPECT_EQ(merges, 753u);
}

// A tokenizer of the files that training writes.
Tokenizer trained(TokenizerTrainer& trainer, std::int64_t vocab_size) {
  return Tokenizer::from_json(SortedJson(trainer.train(vocab_size, 2)), SortedJson(trainer.config()),
                              "trained");
}

TEST(TokenizerTrainer, MakesATokenOfACompound) {
  TokenizerTrainer trainer(default_added_tokens(), words);
  for (int i = 0; i < 9; ++i) trainer.add("a small+cyan+circle, a small+cyan+circle");
  const Tokenizer tokenizer = trained(trainer, 400);
  EXPECT_EQ(tokenizer.encode("a small+cyan+circle small+cyan+circle", true).size(), 3u);
  const std::string text = "\xC3\xA4 <think>\n\n</think> never seen: \xF0\x9F\x8E\x88\xFF<|im_end|>";
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, true), false),
            "\xC3\xA4 <think>\n\n</think> never seen: \xF0\x9F\x8E\x88\xEF\xBF\xBD<|im_end|>");
}

TEST(TokenizerTrainer, AddedTokensHaveTheirPlacesAndParts) {
  TokenizerTrainer trainer(default_added_tokens(), words);
  const Tokenizer tokenizer = trained(trainer, 280);
  EXPECT_EQ(tokenizer.vocab_size(), 280);
  EXPECT_EQ(tokenizer.bos_id(), 1);
  EXPECT_EQ(tokenizer.eos_id(), 7);
  EXPECT_EQ(tokenizer.pad_id(), 3);
  EXPECT_EQ(tokenizer.unk_id(), 0);
  EXPECT_EQ(tokenizer.token_to_id("<|image_pad|>"), 22);
  for (std::int32_t id = 0; id < 24; ++id) EXPECT_EQ(tokenizer.is_special(id), id < 14 || id > 19) << id;
}

TEST(TokenizerTrainer, NoMergeMakesAnAddedToken) {
  std::vector<std::string> added = default_added_tokens();
  added.push_back("ab");  // found in text before any merge
  TokenizerTrainer trainer(added, words);
  for (int i = 0; i < 9; ++i) trainer.add("<s>ab<think> ab</think>");
  EXPECT_EQ(trainer.pieces(), 1u);  // the blank
  PieceCounts counts = {{"abc", 5}};
  const TrainedBpe learned = train_bpe(counts, {.added = added, .vocab_size = 400});
  ASSERT_EQ(learned.merges.size(), 2u);
  EXPECT_EQ(learned.tokens.at(281), "bc");
  EXPECT_EQ(learned.tokens.at(282), "abc");
}

TEST(TokenizerTrainer, RefusesWhatCannotBe) {
  std::vector<std::string> moved = default_added_tokens();
  std::swap(moved[14], moved[15]);
  EXPECT_EQ(error_of([&] { TokenizerTrainer(moved, words); }),
            "[tokenizer] the added token 14 is '</think>', expected '<think>'");
  EXPECT_EQ(error_of([&] { TokenizerTrainer({"<unk>"}, words); }),
            "[tokenizer] the added token 14 is missing, expected '<think>'");
  std::vector<std::string> twice = default_added_tokens();
  twice[5] = "<s>";
  EXPECT_EQ(error_of([&] { TokenizerTrainer(twice, words).train(400, 2); }),
            "[tokenizer] the token '<s>' stands twice");
  twice[5] = "";
  EXPECT_EQ(error_of([&] { TokenizerTrainer(twice, words); }), "[tokenizer] the added token 5 is empty");
  TokenizerTrainer trainer(default_added_tokens(), words);
  EXPECT_NE(error_of([&] { trainer.train(279, 2); }).find("expected at least 280"), std::string::npos);
  EXPECT_THROW(TokenizerTrainer(default_added_tokens(), "(unclosed"), Error);
}

}  // namespace
}  // namespace artemis
