// "messages" of a chat request.
#include <algorithm>
#include <string_view>

#include "artemis/serve/request_parts.h"

namespace artemis {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t longest_role = 32;

class MessageReader {
 public:
  void read(const Json& message, const std::string& place) {
    Fields fields(message, place);
    const std::string role = fields.required_text("role");
    Json result = Json::object();
    if (role == "system" || role == "developer") {
      result["role"] = "system";
      result["content"] = content(fields, Kind::text);
    } else if (role == "user") {
      result["role"] = role;
      result["content"] = content(fields, Kind::pictures);
    } else if (role == "assistant") {
      result = assistant(fields);
    } else if (role == "tool") {
      result = tool(fields);
    } else {
      wrong_choice(fields.place("role"), role.substr(0, longest_role),
                   {"system", "developer", "user", "assistant", "tool"});
    }
    static_cast<void>(fields.text("name"));
    fields.refuse_others();
    messages_.list.push_back(std::move(result));
  }

  Messages take() { return std::move(messages_); }

 private:
  enum class Kind { text, pictures, answer };

  Json content(Fields& fields, Kind kind) {
    const Json& value = fields.required("content");
    if (value.is_string()) return value;
    const std::string place = fields.place("content");
    if (!value.is_array()) wrong_type(place, value, "a string or an array of content parts");
    if (value.empty()) wrong_value(place, "the array is empty");
    Json parts = Json::array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      parts.push_back(part(value[i], fmt::format("{}[{}]", place, i), kind));
    }
    return joined(std::move(parts));
  }

  // Text alone as one string, which every chat template takes.
  static Json joined(Json parts) {
    std::string text;
    for (const Json& part : parts) {
      if (part["type"] != "text") return parts;
      text += part["text"].get_ref<const std::string&>();
    }
    return text;
  }

  Json part(const Json& value, const std::string& place, Kind kind) {
    Fields fields(value, place);
    const std::string type = fields.required_text("type");
    Json result;
    if (type == "text") {
      result = {{"type", "text"}, {"text", fields.required_text("text")}};
    } else if (type == "refusal" && kind == Kind::answer) {
      result = {{"type", "text"}, {"text", fields.required_text("refusal")}};
    } else if (type == "image_url" && kind == Kind::pictures) {
      picture(fields);
      result = {{"type", "image"}};
    } else if (type == "image_url") {
      wrong_value(fields.place("type"), "only messages of the role 'user' may hold pictures");
    } else {
      wrong_choice(fields.place("type"), type.substr(0, longest_role), {"text", "image_url"});
    }
    fields.refuse_others({"prompt_cache_breakpoint"});
    return result;
  }

  void picture(Fields& part) {
    Fields fields(part.required("image_url"), part.place("image_url"));
    const std::string place = fields.place("url");
    messages_.pictures.push_back({fields.required_text("url"), place});
    if (messages_.pictures.back().url.empty()) wrong_value(place, "the URL is empty");
    if (messages_.pictures.size() > most_pictures) {
      wrong_value(place, fmt::format("it is one picture more than {}", most_pictures));
    }
    const std::string detail = fields.text("detail").value_or("auto");
    const auto words = {"auto"sv, "low"sv, "high"sv, "original"sv};
    if (std::ranges::find(words, detail) == words.end()) {
      wrong_choice(fields.place("detail"), detail.substr(0, longest_role), words);
    }
    fields.refuse_others();
  }

  Json assistant(Fields& fields) {
    Json result = {{"role", "assistant"}};
    const Json* calls = fields.find("tool_calls");
    const bool has_content = fields.find("content") != nullptr;
    const auto refusal = fields.text("refusal");
    if (has_content || (calls == nullptr && !refusal)) {
      result["content"] = content(fields, Kind::answer);
    } else {
      result["content"] = refusal.value_or("");
    }
    // The name that other servers give it is taken too.
    const auto reasoning = fields.text("reasoning_content");
    const auto other = fields.text("reasoning");
    if (reasoning || other) result["reasoning_content"] = reasoning ? *reasoning : *other;
    for (const char* key : {"audio", "function_call"}) {
      if (fields.find(key) != nullptr) wrong_value(fields.place(key), "it is not supported");
    }
    // `parsed`, `parsed_arguments`: what OpenAI's Python client makes of an answer, beside the text itself.
    for (const char* key : {"annotations", "parsed"}) static_cast<void>(fields.find(key));
    if (calls != nullptr) result["tool_calls"] = tool_calls(*calls, fields.place("tool_calls"));
    return result;
  }

  Json tool_calls(const Json& calls, const std::string& place) {
    if (to_list(calls, place).empty()) wrong_value(place, "the array is empty");
    Json result = Json::array();
    for (std::size_t i = 0; i < calls.size(); ++i) {
      Fields fields(calls[i], fmt::format("{}[{}]", place, i));
      const std::string type = fields.text("type").value_or("function");
      if (type != "function") wrong_choice(fields.place("type"), type.substr(0, longest_role), {"function"});
      Fields function(fields.required("function"), fields.place("function"));
      const std::string id = fields.required_text("id");
      call_ids_.push_back(id);
      result.push_back(
          {{"id", id},
           {"type", "function"},
           {"function",
            {{"name", function.required_text("name")},
             {"arguments", arguments(function.required("arguments"), function.place("arguments"))}}}});
      static_cast<void>(fields.find("index"));  // as it stands in streams
      function.refuse_others({"parsed_arguments"});
      fields.refuse_others();
    }
    return result;
  }

  // The arguments of a call, which the API has as text, as the object that chat templates read.
  static Json arguments(const Json& value, const std::string& place) {
    if (value.is_object()) return value;
    const std::string& text = to_text(value, place);
    if (text.empty()) return Json::object();
    Json parsed;
    try {
      parsed = parse_json(text, "arguments", 128);
    } catch (const Error& error) {
      wrong_value(place, "it is no JSON: " + message_without_place(error));
    }
    if (!parsed.is_object()) wrong_value(place, "it is no JSON object");
    return parsed;
  }

  Json tool(Fields& fields) {
    const std::string id = fields.required_text("tool_call_id");
    if (std::ranges::find(call_ids_, id) == call_ids_.end()) {
      wrong_value(fields.place("tool_call_id"), "no message before it has a tool call with this id");
    }
    return {{"role", "tool"}, {"content", content(fields, Kind::text)}, {"tool_call_id", id}};
  }

  Messages messages_{Json::array(), {}};
  std::vector<std::string> call_ids_;
};

}  // namespace

Messages read_messages_field(Fields& fields) {
  const std::string place = fields.place("messages");
  const Json& list = to_list(fields.required("messages"), place);
  if (list.empty()) wrong_value(place, "the array is empty, expected at least one message");
  MessageReader reader;
  for (std::size_t i = 0; i < list.size(); ++i) reader.read(list[i], fmt::format("{}[{}]", place, i));
  return reader.take();
}

}  // namespace artemis
