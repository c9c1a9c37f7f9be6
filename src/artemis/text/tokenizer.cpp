#include "artemis/text/tokenizer.h"

#include <algorithm>

#include "artemis/core/error.h"
#include "artemis/text/byte_level.h"
#include "artemis/text/tokenizer_config.h"
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

SortedJson read_if_there(const std::filesystem::path& file) {
  return std::filesystem::exists(file) ? read_sorted_json(file) : SortedJson();
}

}  // namespace

Tokenizer Tokenizer::load(const std::filesystem::path& directory) {
  return from_json(
      read_sorted_json(directory / "tokenizer.json"), read_if_there(directory / "tokenizer_config.json"),
      (directory / "tokenizer.json").string(), read_if_there(directory / "special_tokens_map.json"));
}

Tokenizer Tokenizer::from_json(const SortedJson& tokenizer, const SortedJson& config,
                               const std::string& where, const SortedJson& special_tokens_map) {
  require(tokenizer.is_object(), where, "is {}, expected an object", tokenizer.type_name());
  require(member(tokenizer, "model").is_object(), where, "key 'model' is missing, expected an object");
  Tokenizer result(tokenizer, where);
  const SortedJson& added = member(tokenizer, "added_tokens");
  TokenizerConfig settings = TokenizerConfig::read(
      config, special_tokens_map,
      added.is_null() ? std::vector<AddedToken>() : AddedTokens::parse(added, where), where);
  result.read_added_tokens(std::move(settings.added));
  result.read_tokens();
  const auto id_of = [&](const std::optional<std::string>& token) {
    return token ? result.token_to_id(*token) : std::nullopt;
  };
  result.bos_id_ = id_of(settings.bos);
  result.eos_id_ = id_of(settings.eos);
  result.pad_id_ = id_of(settings.pad);
  result.unk_id_ = id_of(settings.unk);
  result.read_post_processor(member(tokenizer, "post_processor"));
  return result;
}

Tokenizer::Tokenizer(const SortedJson& json, const std::string& where)
    : where_(where),
      normalizer_(Normalizer::from_json(member(json, "normalizer"), where)),
      pre_tokenizer_(PreTokenizer::from_json(member(json, "pre_tokenizer"), where)),
      model_(json["model"], pre_tokenizer_.byte_level(), where),
      decoder_(TokenDecoder::from_json(member(json, "decoder"), where)) {}

// The ids are the reference's: a token of the vocabulary keeps the vocabulary's, the others are counted on
// from its size. The file's own ids, which should be the same, are not looked at there either.
void Tokenizer::read_added_tokens(std::vector<AddedToken> added) {
  ids_ = model_.vocabulary();
  const auto size = static_cast<std::int32_t>(ids_.size());
  std::int32_t largest = -1;
  for (AddedToken& token : added) {
    const auto known = ids_.find(token.content);
    token.id = known != ids_.end() ? known->second : std::max(size, largest + 1);
    largest = std::max(largest, token.id);
    ids_[token.content] = token.id;
  }
  added_ = AddedTokens(std::move(added), normalizer_);
}

void Tokenizer::read_tokens() {
  for (const auto& [token, id] : model_.vocabulary()) {
    const std::size_t place = place_of(token, id);
    require(!known_[place], where_, "tokens '{}' and '{}' both have id {}", tokens_[place], token, id);
    tokens_[place] = token;
    known_[place] = true;
  }
  // In a vocabulary with holes an added token may have come to the id of another: then the id gives this one.
  for (const AddedToken& token : added_.tokens()) {
    const std::size_t place = place_of(token.content, token.id);
    tokens_[place] = token.spelling;
    known_[place] = true;
  }
}

std::size_t Tokenizer::place_of(const std::string& token, std::int32_t id) {
  require(id < largest_id, where_, "token '{}' has id {}, at most {} is supported", token, id,
          largest_id - 1);
  const auto place = static_cast<std::size_t>(id);
  if (place >= tokens_.size()) {
    tokens_.resize(place + 1);
    known_.resize(place + 1);
  }
  return place;
}

void Tokenizer::read_post_processor(const SortedJson& json) {
  if (json.is_null()) return;
  const auto type = json_get<std::string>(json, "type", where_);
  if (type == "Sequence") {
    for (const SortedJson& inner : json_get<SortedJson>(json, "processors", where_))
      read_post_processor(inner);
  } else if (type == "TemplateProcessing") {
    read_template(json);
  } else {
    // ByteLevel moves offsets alone.
    require(type == "ByteLevel", where_, "post-processor '{}' is not supported", type);
  }
}

void Tokenizer::read_template(const SortedJson& json) {
  Wrapping wrapping;
  bool sequence_seen = false;
  for (const SortedJson& item : json_get<SortedJson>(json, "single", where_)) {
    if (item.is_object() && item.contains("Sequence")) {
      require(!sequence_seen, where_, "the post-processor's template has its sequence twice");
      sequence_seen = true;
      continue;
    }
    require(item.is_object() && item.contains("SpecialToken"), where_,
            "the post-processor's template holds {}, expected Sequence or SpecialToken", item.dump());
    const auto name = json_get<std::string>(item["SpecialToken"], "id", where_);
    for (const std::int32_t id : template_ids(json, name)) {
      (sequence_seen ? wrapping.after : wrapping.before).push_back(id);
    }
  }
  require(sequence_seen, where_, "the post-processor's template has no sequence");
  wrappings_.push_back(std::move(wrapping));
}

std::vector<std::int32_t> Tokenizer::template_ids(const SortedJson& json, const std::string& name) const {
  const SortedJson& token = member(member(json, "special_tokens"), name.c_str());
  require(token.is_object() && member(token, "ids").is_array(), where_,
          "the post-processor's template names '{}', which its special_tokens lack", name);
  std::vector<std::int32_t> ids;
  for (const SortedJson& id : token["ids"]) {
    require(id.is_number_integer() && id.get<std::int64_t>() >= 0 && id.get<std::int64_t>() < largest_id,
            where_, "the post-processor's token '{}' has the id {}", name, id.dump());
    const auto place = id.get<std::size_t>();
    require(has_token(id.get<std::int64_t>()), where_,
            "the post-processor's token '{}' has the id {}, which has no token", name, place);
    ids.push_back(id.get<std::int32_t>());
  }
  return ids;
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, bool add_special_tokens) const {
  std::string mended;
  if (!is_utf8(text)) {
    mended = replace_invalid_utf8(text);
    text = mended;
  }
  std::vector<std::int32_t> ids;
  ids.reserve(text.size() / 3);
  Pieces pieces;
  added_.split(
      text, normalizer_, [&](std::int32_t id) { ids.push_back(id); },
      [&](std::string_view between, bool first) {
        pre_tokenizer_.cut(between, first, pieces);
        for (const TextRange range : pieces.ranges) model_.encode(pieces.piece(range), ids);
      });
  if (add_special_tokens) {
    for (const Wrapping& wrapping : wrappings_) {
      ids.insert(ids.begin(), wrapping.before.begin(), wrapping.before.end());
      ids.insert(ids.end(), wrapping.after.begin(), wrapping.after.end());
    }
  }
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const {
  TokenStream stream = decoder_.stream();
  std::string text;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    require(has_token(ids[i]), where_, "id {} at position {} has no token", ids[i], i);
    if (!skip_special_tokens || !is_special(ids[i]))
      text += stream.push(tokens_[static_cast<std::size_t>(ids[i])]);
  }
  return text + stream.finish();
}

std::optional<std::int32_t> Tokenizer::token_to_id(std::string_view token) const {
  const auto found = ids_.find(std::string(token));
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::string Tokenizer::token_bytes(std::int32_t id) const {
  require(decoder_.byte_level(), where_, "the decoder is not ByteLevel, which constrained answers need");
  if (!has_token(id)) return {};
  const std::string& token = tokens_[static_cast<std::size_t>(id)];
  std::string bytes;
  return append_from_byte_level(bytes, token) ? bytes : token;
}

const std::string& Tokenizer::id_to_token(std::int32_t id) const {
  require(has_token(id), where_, "id {} has no token", id);
  return tokens_[static_cast<std::size_t>(id)];
}

}  // namespace artemis
