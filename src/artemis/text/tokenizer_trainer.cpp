#include "artemis/text/tokenizer_trainer.h"

#include <algorithm>
#include <array>
#include <span>

#include "artemis/core/error.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

constexpr const char* where = "tokenizer";

// The ids that a graft's configuration and template count on, from first_graft_token on.
constexpr std::size_t first_graft_token = 14;
constexpr std::array graft_tokens = {
    "<think>",          "</think>",         "<tool_call>",    "</tool_call>",  "<tool_response>",
    "</tool_response>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"};

// Tags that belong to what the model says: text that is shown, so no special tokens.
constexpr std::span visible_tokens = std::span(graft_tokens).first<6>();

bool is_visible(const std::string& token) {
  return std::ranges::find(visible_tokens, token) != visible_tokens.end();
}

void check_added(const std::vector<std::string>& added) {
  for (std::size_t id = 0; id < added.size(); ++id) {
    require(!added[id].empty(), where, "the added token {} is empty", id);
    require(is_utf8(added[id]), where, "the added token {} is no UTF-8", id);
  }
  for (std::size_t i = 0; i < graft_tokens.size(); ++i) {
    const std::size_t id = first_graft_token + i;
    require(id < added.size() && added[id] == graft_tokens[i], where,
            "the added token {} is {}, expected '{}'", id,
            id < added.size() ? fmt::format("'{}'", added[id]) : "missing", graft_tokens[i]);
  }
}

Json added_json(const std::vector<std::string>& added) {
  Json list = Json::array();
  for (std::size_t id = 0; id < added.size(); ++id) {
    list.push_back({{"id", id},
                    {"content", added[id]},
                    {"single_word", false},
                    {"lstrip", false},
                    {"rstrip", false},
                    {"normalized", false},
                    {"special", !is_visible(added[id])}});
  }
  return list;
}

Json byte_level_json() {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
}

Json pre_tokenizer_json(const std::string& pattern) {
  require(is_utf8(pattern), where, "the pattern is no UTF-8");
  const Json split = {
      {"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  return {{"type", "Sequence"}, {"pretokenizers", Json::array({split, byte_level_json()})}};
}

Json model_json(const TrainedBpe& trained) {
  Json vocab = Json::object();
  Json::object_t& entries = vocab.get_ref<Json::object_t&>();
  entries.reserve(trained.tokens.size());  // appended without a search for the key
  for (std::size_t id = 0; id < trained.tokens.size(); ++id) {
    entries.Container::emplace_back(trained.tokens[id], id);
  }
  Json merges = Json::array();
  for (const auto& [left, right] : trained.merges) {
    merges.push_back(Json::array(
        {trained.tokens[static_cast<std::size_t>(left)], trained.tokens[static_cast<std::size_t>(right)]}));
  }
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", false},
          {"vocab", std::move(vocab)},
          {"merges", std::move(merges)}};
}

}  // namespace

std::vector<std::string> default_added_tokens() {
  std::vector<std::string> added = {"<unk>",  "<s>",     "</s>",         "<pad>",
                                    "[INST]", "[/INST]", "<|im_start|>", "<|im_end|>"};
  while (added.size() < first_graft_token) added.push_back(fmt::format("<|reserved_{}|>", added.size()));
  added.insert(added.end(), graft_tokens.begin(), graft_tokens.end());
  return added;
}

Json special_token_names(const std::vector<std::string>& added) {
  // A turn of a chat ends with <|im_end|>.
  constexpr std::array<std::array<const char*, 2>, 5> parts = {{{"bos_token", "<s>"},
                                                                {"eos_token", "<|im_end|>"},
                                                                {"eos_token", "</s>"},
                                                                {"unk_token", "<unk>"},
                                                                {"pad_token", "<pad>"}}};
  Json names = Json::object();
  for (const auto& [part, token] : parts) {
    if (!names.contains(part) && std::ranges::find(added, token) != added.end()) names[part] = token;
  }
  return names;
}

TokenizerTrainer::TokenizerTrainer(std::vector<std::string> added, std::string pattern)
    : added_(std::move(added)), pre_tokenizer_json_(pre_tokenizer_json(pattern)) {
  check_added(added_);
  pre_tokenizer_ = PreTokenizer::from_json(SortedJson(pre_tokenizer_json_), where);
  added_tokens_ = AddedTokens(AddedTokens::parse(SortedJson(added_json(added_)), where), normalizer_);
}

void TokenizerTrainer::add(std::string_view text) {
  const std::string valid = replace_invalid_utf8(text);
  const auto count_pieces = [this](std::string_view part, bool first) {
    Pieces pieces;
    pre_tokenizer_.cut(part, first, pieces);
    for (const TextRange range : pieces.ranges) ++counts_[std::string(pieces.piece(range))];
  };
  added_tokens_.split(
      valid, normalizer_, [](std::int32_t) {}, count_pieces);
}

Json TokenizerTrainer::train(std::int64_t vocab_size, std::int64_t min_frequency) const {
  const TrainedBpe trained =
      train_bpe(counts_, {.added = added_, .vocab_size = vocab_size, .min_frequency = min_frequency});
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added_json(added_)},
          {"normalizer", nullptr},
          {"pre_tokenizer", pre_tokenizer_json_},
          {"post_processor", nullptr},
          {"decoder", byte_level_json()},
          {"model", model_json(trained)}};
}

Json TokenizerTrainer::config() const {
  Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                 {"model_max_length", 131072},
                 {"padding_side", "right"},
                 {"clean_up_tokenization_spaces", false},
                 {"model_input_names", {"input_ids", "attention_mask"}}};
  config.update(special_token_names(added_));
  return config;
}

}  // namespace artemis
