#include "artemis/text/tokenizer_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "artemis/core/error.h"

namespace artemis {
namespace {

constexpr std::array<const char*, 7> named_tokens = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                     "pad_token", "cls_token", "mask_token"};
constexpr std::array<const char*, 2> extra_keys = {"extra_special_tokens", "additional_special_tokens"};

// A token given as a string or as {"content": string, ...}; a string is special and not normalized.
AddedToken parse_token(const SortedJson& json, const std::string& where) {
  AddedToken token;
  token.id = -1;
  if (json.is_string()) {
    token.content = json.get<std::string>();
    token.special = true;
    return token;
  }
  require(json.is_object(), where, "is {}, expected a string or an object", json.type_name());
  token.content = json_get<std::string>(json, "content", where);
  token.single_word = json_get_or<bool>(json, "single_word", where, false);
  token.lstrip = json_get_or<bool>(json, "lstrip", where, false);
  token.rstrip = json_get_or<bool>(json, "rstrip", where, false);
  token.special = json_get_or<bool>(json, "special", where, false);
  token.normalized = json_get_or<bool>(json, "normalized", where, !token.special);
  return token;
}

class Reader {
 public:
  Reader(std::vector<AddedToken> added, const std::string& where) : where_(where) {
    config_.added = std::move(added);
  }

  TokenizerConfig run(SortedJson config, const SortedJson& special_tokens_map) {
    if (!config.is_object()) config = SortedJson::object();
    if (config.contains("added_tokens_decoder")) {
      read_decoder(config["added_tokens_decoder"]);
    } else if (special_tokens_map.is_object()) {
      config.update(special_tokens_map);
    }
    for (const char* key : named_tokens) read_named(config, key);
    for (const auto& [key, value] : config.items()) {
      if (key.ends_with("_token") && !is_named(key) && (value.is_string() || value.is_object()))
        add_named(value, key);
    }
    for (const char* key : extra_keys) read_extra(config, key);
    refuse_clean_up(config);
    return std::move(config_);
  }

 private:
  static bool is_named(const std::string& key) {
    return std::ranges::find(named_tokens, key) != named_tokens.end();
  }

  AddedToken* find(const std::string& content) {
    const auto found = std::ranges::find(config_.added, content, &AddedToken::content);
    return found == config_.added.end() ? nullptr : &*found;
  }

  // Adds a token, or gives a known one these properties.
  void put(const AddedToken& token) {
    if (token.content.empty()) return;
    AddedToken* known = find(token.content);
    if (known == nullptr) {
      config_.added.push_back(token);
      return;
    }
    const std::int32_t id = known->id;
    *known = token;
    known->id = id;
  }

  void read_decoder(const SortedJson& decoder) {
    const std::string where = where_ + ", added_tokens_decoder";
    require(decoder.is_object(), where, "is {}, expected an object", decoder.type_name());
    std::map<std::int64_t, AddedToken> tokens;
    for (const auto& [key, value] : decoder.items()) {
      std::int64_t id = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
      require(error == std::errc() && end == key.data() + key.size(), where, "'{}' is no token id", key);
      require(value.is_object(), where, "token {} is {}, expected an object", key, value.type_name());
      tokens[id] = parse_token(value, where);
    }
    for (const auto& [id, token] : tokens) put(token);
  }

  void read_named(const SortedJson& config, const char* key) {
    const auto value = config.find(key);
    if (value == config.end() || value->is_null()) return;
    const std::string content = add_named(*value, key);
    const std::string_view name = key;
    if (name == "bos_token") config_.bos = content;
    if (name == "eos_token") config_.eos = content;
    if (name == "pad_token") config_.pad = content;
    if (name == "unk_token") config_.unk = content;
  }

  // A token with a part of its own is special; what the lists say of it stands otherwise.
  std::string add_named(const SortedJson& value, const std::string& key) {
    const AddedToken token = parse_token(value, fmt::format("{}, {}", where_, key));
    if (find(token.content) == nullptr) put(token);
    if (AddedToken* known = find(token.content)) known->special = true;
    return token.content;
  }

  void read_extra(const SortedJson& config, const std::string& key) {
    const auto list = config.find(key);
    if (list == config.end() || list->is_null()) return;
    const std::string where = fmt::format("{}, {}", where_, key);
    require(list->is_structured(), where, "is {}, expected a list", list->type_name());
    for (const SortedJson& value : *list) {
      if (list->is_object()) {
        add_named(value, key);
        continue;
      }
      AddedToken token = parse_token(value, where);
      token.special = true;
      if (find(token.content) == nullptr) put(token);
    }
  }

  void refuse_clean_up(const SortedJson& config) const {
    require(
        !json_get_or<bool>(config, "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output",
                           where_, false),
        where_, "cleaning up spaces for BPE is not supported");
  }

  TokenizerConfig config_;
  const std::string& where_;
};

}  // namespace

TokenizerConfig TokenizerConfig::read(const SortedJson& config, const SortedJson& special_tokens_map,
                                      std::vector<AddedToken> added, const std::string& where) {
  require(config.is_null() || config.is_object(), where, "is {}, expected an object", config.type_name());
  return Reader(std::move(added), where).run(config, special_tokens_map);
}

}  // namespace artemis
