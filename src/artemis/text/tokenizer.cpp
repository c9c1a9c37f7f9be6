#include "artemis/text/tokenizer.h"

#include <algorithm>

#include "artemis/core/error.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

// Ids past this are no vocabulary's: they would only make the tables large.
constexpr std::int32_t largest_id = 1 << 24;

const SortedJson& member(const SortedJson& json, const char* key) {
  static const SortedJson null;
  const auto found = json.find(key);
  return found == json.end() ? null : *found;
}

// transformers' clean_up_tokenization: spaces that tokenization put before punctuation and English
// contractions.
std::string clean_up(std::string text) {
  for (const auto& [from, to] :
       {std::pair{" .", "."}, std::pair{" ?", "?"}, std::pair{" !", "!"}, std::pair{" ,", ","},
        std::pair{" ' ", "'"}, std::pair{" n't", "n't"}, std::pair{" 'm", "'m"}, std::pair{" 's", "'s"},
        std::pair{" 've", "'ve"}, std::pair{" 're", "'re"}}) {
    text = replace_all(text, from, to);
  }
  return text;
}

}  // namespace

Tokenizer Tokenizer::load(const std::filesystem::path& directory) {
  const std::filesystem::path config = directory / "tokenizer_config.json";
  return from_json(read_sorted_json(directory / "tokenizer.json"),
                   std::filesystem::exists(config) ? read_sorted_json(config) : SortedJson(),
                   (directory / "tokenizer.json").string());
}

Tokenizer Tokenizer::from_json(const SortedJson& tokenizer, const SortedJson& config,
                               const std::string& where) {
  require(tokenizer.is_object(), where, "is {}, expected an object", tokenizer.type_name());
  require(tokenizer.contains("model") && tokenizer["model"].is_object(), where,
          "key 'model' is missing, expected an object");
  Tokenizer result(tokenizer, where);
  result.read_post_processor(member(tokenizer, "post_processor"), where);
  if (!config.is_null()) result.read_config(config, where);
  return result;
}

Tokenizer::Tokenizer(const SortedJson& json, const std::string& where)
    : where_(where),
      normalizer_(Normalizer::from_json(member(json, "normalizer"), where)),
      pre_tokenizer_(PreTokenizer::from_json(member(json, "pre_tokenizer"), where)),
      model_(json["model"], pre_tokenizer_.byte_level(), where),
      decoder_(TokenDecoder::from_json(member(json, "decoder"), where)) {
  ids_ = model_.vocabulary();
  const SortedJson& added = member(json, "added_tokens");
  std::vector<AddedToken> tokens =
      added.is_null() ? std::vector<AddedToken>() : AddedTokens::parse(added, where);
  for (const AddedToken& token : tokens) ids_[token.content] = token.id;
  added_ = AddedTokens(std::move(tokens), normalizer_);
  for (const auto& [token, id] : ids_) {
    require(id < largest_id, where, "token '{}' has id {}, at most {} is supported", token, id,
            largest_id - 1);
    const auto place = static_cast<std::size_t>(id);
    if (place >= tokens_.size()) {
      tokens_.resize(place + 1);
      known_.resize(place + 1);
    }
    tokens_[place] = token;
    known_[place] = true;
  }
  // An added token may take the id of one of the model's: then it is the one that the id gives.
  for (const AddedToken& token : added_.tokens()) tokens_[static_cast<std::size_t>(token.id)] = token.content;
}

void Tokenizer::read_post_processor(const SortedJson& json, const std::string& where) {
  if (json.is_null()) return;
  const auto type = json_get<std::string>(json, "type", where);
  if (type == "Sequence") {
    for (const SortedJson& inner : json_get<SortedJson>(json, "processors", where))
      read_post_processor(inner, where);
  } else if (type == "TemplateProcessing") {
    read_template(json, where);
  } else {
    require(type == "ByteLevel", where, "post-processor '{}' is not supported",
            type);  // it moves offsets alone
  }
}

void Tokenizer::read_template(const SortedJson& json, const std::string& where) {
  Wrapping wrapping;
  bool sequence_seen = false;
  for (const SortedJson& item : json_get<SortedJson>(json, "single", where)) {
    if (item.is_object() && item.contains("Sequence")) {
      require(!sequence_seen, where, "the post-processor's template has its sequence twice");
      sequence_seen = true;
      continue;
    }
    require(item.is_object() && item.contains("SpecialToken"), where,
            "the post-processor's template holds {}, expected Sequence or SpecialToken", item.dump());
    const auto name = json_get<std::string>(item["SpecialToken"], "id", where);
    const SortedJson& token = member(member(json, "special_tokens"), name.c_str());
    require(token.is_object() && token.contains("ids") && token["ids"].is_array(), where,
            "the post-processor's template names '{}', which its special_tokens lack", name);
    for (const SortedJson& id : token["ids"]) {
      require(id.is_number_integer(), where, "special token '{}' has the id {}", name, id.dump());
      (sequence_seen ? wrapping.after : wrapping.before).push_back(id.get<std::int32_t>());
    }
  }
  require(sequence_seen, where, "the post-processor's template has no sequence");
  wrappings_.push_back(std::move(wrapping));
}

void Tokenizer::read_config(const SortedJson& config, const std::string& where) {
  require(config.is_object(), where, "tokenizer_config.json is {}, expected an object", config.type_name());
  bos_id_ = configured_id(config, "bos_token");
  eos_id_ = configured_id(config, "eos_token");
  pad_id_ = configured_id(config, "pad_token");
  clean_up_spaces_ = json_get_or<bool>(config, "clean_up_tokenization_spaces", where, false);
}

// The id of a token given as a string or as {"content": string}.
std::optional<std::int32_t> Tokenizer::configured_id(const SortedJson& config, const char* key) const {
  const SortedJson& value = member(config, key);
  if (value.is_string()) return token_to_id(value.get<std::string>());
  if (value.is_object() && value.contains("content") && value["content"].is_string()) {
    return token_to_id(value["content"].get<std::string>());
  }
  return std::nullopt;
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, bool add_special_tokens) const {
  const std::string mended = replace_invalid_utf8(text);
  std::vector<std::int32_t> ids;
  bool first = true;
  for (const TextPart& part : added_.split(mended, normalizer_)) {
    if (part.id >= 0) {
      ids.push_back(part.id);
    } else {
      for (const std::string& piece : pre_tokenizer_(part.text, first)) model_.encode(piece, ids);
    }
    first = false;
  }
  if (add_special_tokens) {
    for (const Wrapping& wrapping : wrappings_) {
      ids.insert(ids.begin(), wrapping.before.begin(), wrapping.before.end());
      ids.insert(ids.end(), wrapping.after.begin(), wrapping.after.end());
    }
  }
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const {
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto place = static_cast<std::size_t>(ids[i]);
    require(ids[i] >= 0 && place < tokens_.size() && known_[place], where_,
            "id {} at position {} has no token", ids[i], i);
    if (!skip_special_tokens || !is_special(ids[i])) tokens.push_back(tokens_[place]);
  }
  std::string text = decoder_(std::move(tokens));
  return clean_up_spaces_ ? clean_up(std::move(text)) : text;
}

std::optional<std::int32_t> Tokenizer::token_to_id(std::string_view token) const {
  const auto found = ids_.find(std::string(token));
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

const std::string& Tokenizer::id_to_token(std::int32_t id) const {
  const auto place = static_cast<std::size_t>(id);
  require(id >= 0 && place < tokens_.size() && known_[place], where_, "id {} has no token", id);
  return tokens_[place];
}

}  // namespace artemis
