#include "artemis/text/chat_template.h"

#include <array>

#include "artemis/core/error.h"
#include "artemis/io/atomic_file.h"

namespace artemis {
namespace {

namespace fs = std::filesystem;

constexpr std::array token_names{"bos_token", "eos_token", "unk_token", "sep_token",
                                 "pad_token", "cls_token", "mask_token"};

// A special token is a string or an object with its text as "content".
Json special_tokens(const Json& config, const std::string& where) {
  Json tokens = Json::object();
  for (const char* name : token_names) {
    const auto found = config.find(name);
    if (found == config.end() || found->is_null()) continue;
    tokens[name] =
        found->is_string() ? found->get<std::string>() : json_get<std::string>(*found, "content", where);
  }
  return tokens;
}

// The names under which a message's reasoning is passed; templates read the
// first.
constexpr std::array reasoning_names{"reasoning_content", "thinking", "reasoning"};

// A message without its nulls, and with its reasoning under the names that
// templates read.
Json normal_message(const Json& message) {
  Json kept = Json::object();
  for (const auto& [key, value] : message.items()) {
    if (!value.is_null()) kept[key] = value;
  }
  for (const char* name : reasoning_names) {
    if (!kept.contains(name)) continue;
    const Json reasoning = kept[name];
    Json filled = Json::object();
    filled["thinking"] = reasoning;
    for (const auto& [key, value] : kept.items()) filled[key] = value;
    filled["reasoning_content"] = reasoning;
    return filled;
  }
  return kept;
}

Json normal_messages(const Json& messages, const std::string& where) {
  require(messages.is_array() && !messages.empty(), where,
          "the messages are {}, expected a list of at least one",
          messages.is_array() ? "empty" : messages.type_name());
  Json normal = Json::array();
  for (const Json& message : messages) {
    require(message.is_object(), where, "message {} is {}, expected an object", normal.size(),
            message.type_name());
    normal.push_back(normal_message(message));
  }
  return normal;
}

Json tool_list(const Json* tools, const std::string& where) {
  if (tools == nullptr || tools->is_null()) return nullptr;
  require(tools->is_array(), where, "the tools are {}, expected a list of objects", tools->type_name());
  for (const Json& tool : *tools) {
    require(tool.is_object(), where, "a tool is {}, expected an object", tool.type_name());
  }
  return *tools;
}

}  // namespace

void ChatTemplate::add(const std::string& name, std::string_view source, std::string_view where) {
  templates_.insert_or_assign(name, JinjaTemplate::parse(source, where));
}

ChatTemplate ChatTemplate::load(const fs::path& model_directory) {
  ChatTemplate result;
  result.where_ = model_directory.filename().string();
  const fs::path config_file = model_directory / "tokenizer_config.json";
  const Json config = fs::exists(config_file) ? read_json(config_file) : Json::object();
  require(config.is_object(), config_file.string(), "expected an object");
  result.special_tokens_ = special_tokens(config, config_file.string());

  const fs::path jinja_file = model_directory / "chat_template.jinja";
  if (fs::exists(jinja_file)) {
    result.add("default", read_file(jinja_file), "chat_template.jinja");
    const fs::path more = model_directory / "additional_chat_templates";
    if (!fs::is_directory(more)) return result;
    for (const auto& entry : fs::directory_iterator(more)) {
      if (entry.path().extension() != ".jinja") continue;
      result.add(entry.path().stem().string(), read_file(entry.path()), entry.path().filename().string());
    }
    return result;
  }
  const fs::path json_file = model_directory / "chat_template.json";
  if (fs::exists(json_file)) {
    result.add("default", json_get<std::string>(read_json(json_file), "chat_template", json_file.string()),
               "chat_template.json");
    return result;
  }
  const auto found = config.find("chat_template");
  require(found != config.end() && !found->is_null(), model_directory.string(),
          "no chat template, expected chat_template.jinja, chat_template.json "
          "or \"chat_template\" in "
          "tokenizer_config.json");
  const std::string where = "tokenizer_config.json: chat_template";
  if (found->is_string()) {
    result.add("default", found->get<std::string>(), where);
    return result;
  }
  require(found->is_array() && !found->empty(), where, "expected a string or a list of {{name, template}}");
  for (const Json& entry : *found) {
    const auto name = json_get<std::string>(entry, "name", where);
    result.add(name, json_get<std::string>(entry, "template", where), where + " " + name);
  }
  return result;
}

ChatTemplate ChatTemplate::from_source(std::string_view source, std::string_view where, std::string bos,
                                       std::string eos) {
  ChatTemplate result;
  result.where_ = where;
  result.add("default", source, where);
  if (!bos.empty()) result.special_tokens_["bos_token"] = std::move(bos);
  if (!eos.empty()) result.special_tokens_["eos_token"] = std::move(eos);
  return result;
}

const JinjaTemplate& ChatTemplate::choose(bool has_tools) const {
  auto found = has_tools ? templates_.find("tool_use") : templates_.end();
  if (found == templates_.end()) found = templates_.find("default");
  require(found != templates_.end(), where_,
          "there are several chat templates, none of them named \"default\"");
  return found->second;
}

JinjaRendering ChatTemplate::render_with_spans(const Json& messages, const ChatOptions& options) const {
  require(options.extra.is_null() || options.extra.is_object(), where_,
          "the variables are {}, expected an object", options.extra.type_name());
  Json variables = special_tokens_;
  if (options.enable_thinking) variables["enable_thinking"] = *options.enable_thinking;
  if (options.extra.is_object()) variables.update(options.extra);
  variables["messages"] = normal_messages(messages, where_);
  variables["tools"] = tool_list(options.tools, where_);
  if (!variables.contains("documents")) variables["documents"] = nullptr;
  variables["add_generation_prompt"] = options.add_generation_prompt;
  JinjaLimits limits;
  limits.now = options.now;
  return choose(options.tools != nullptr && !options.tools->is_null()).render_with_spans(variables, limits);
}

std::string ChatTemplate::render(const Json& messages, const ChatOptions& options) const {
  return render_with_spans(messages, options).text;
}

}  // namespace artemis
