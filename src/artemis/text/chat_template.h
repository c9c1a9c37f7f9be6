// The chat template of a model directory: messages become the text that the
// model reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "artemis/io/json.h"
#include "artemis/text/jinja_template.h"

namespace artemis {

struct ChatOptions {
  const Json* tools = nullptr;         // a list of tools, each an object; null for none
  bool add_generation_prompt = false;  // end with the opening of an assistant turn
  std::optional<bool> enable_thinking = {};
  Json extra = nullptr;                  // more variables: an object, or null
  std::optional<std::int64_t> now = {};  // seconds since 1970 for strftime_now; the clock when absent
};

class ChatTemplate {
 public:
  // The template of a model directory: chat_template.jinja, else
  // chat_template.json, else "chat_template" of tokenizer_config.json, with the
  // special tokens of tokenizer_config.json. Throws Error.
  static ChatTemplate load(const std::filesystem::path& model_directory);

  // A template given as text; `where` names it in errors. An empty bos or eos
  // stays undefined.
  static ChatTemplate from_source(std::string_view source, std::string_view where, std::string bos,
                                  std::string eos);

  // The text of a conversation: a list of objects. Keys whose value is null are
  // dropped and the names of the reasoning field are filled in, as transformers
  // does. Throws Error.
  std::string render(const Json& messages, const ChatOptions& options = {}) const;

  // As render, with the byte ranges of the `generation` blocks.
  JinjaRendering render_with_spans(const Json& messages, const ChatOptions& options = {}) const;

 private:
  ChatTemplate() = default;
  void add(const std::string& name, std::string_view source, std::string_view where);
  const JinjaTemplate& choose(bool has_tools) const;

  std::string where_;
  std::map<std::string, JinjaTemplate> templates_;  // by name; a single one is "default"
  Json special_tokens_ = Json::object();            // bos_token, eos_token and the like
};

}  // namespace artemis
