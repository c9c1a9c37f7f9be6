// Tools, the form of the answer and thinking, of a chat request.
#include <algorithm>
#include <cctype>
#include <set>

#include "artemis/serve/request_parts.h"

namespace artemis {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t longest_word = 64;

std::string shortened(const std::string& text) { return text.substr(0, longest_word); }

// A name as OpenAI has it: 1 to 64 of a-z, A-Z, 0-9, _ and -; of tools also '.' and ':', which others use.
void check_name(const std::string& name, const std::string& place, std::string_view also) {
  const bool fits = std::ranges::all_of(name, [also](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' ||
           also.find(c) != also.npos;
  });
  if (name.empty() || name.size() > longest_word || !fits) {
    wrong_value(place, fmt::format("expected 1 to {} letters, digits, '_' or '-'", longest_word));
  }
}

bool is_strict(const Json& tool) {
  const auto strict = tool["function"].find("strict");
  return strict != tool["function"].end() && *strict == Json(true);
}

void check_tool(const Json& tool, const std::string& place, std::vector<std::string>& names) {
  Fields fields(tool, place);
  const std::string type = fields.required_text("type");
  if (type != "function") wrong_choice(fields.place("type"), shortened(type), {"function"});
  Fields function(fields.required("function"), fields.place("function"));
  const std::string name = function.required_text("name");
  check_name(name, function.place("name"), ".:");
  if (std::ranges::find(names, name) != names.end()) wrong_value(function.place("name"), "it stands twice");
  names.push_back(name);
  static_cast<void>(function.text("description"));
  if (const Json* parameters = function.find("parameters"))
    to_object(*parameters, function.place("parameters"));
  static_cast<void>(function.boolean("strict"));
  function.refuse_others();
  fields.refuse_others();
}

// The name in {"type": "function", "function": {"name"}}.
std::string named_tool(Fields& fields, const std::vector<std::string>& names) {
  const std::string type = fields.required_text("type");
  if (type != "function") wrong_choice(fields.place("type"), shortened(type), {"function"});
  Fields function(fields.required("function"), fields.place("function"));
  std::string name = function.required_text("name");
  if (std::ranges::find(names, name) == names.end()) {
    wrong_value(function.place("name"), "'tools' has no function of this name");
  }
  function.refuse_others();
  fields.refuse_others();
  return name;
}

// {"mode", "tools"}: the model is told of these tools alone.
void read_allowed_tools(const Json& allowed, const std::string& place, const std::vector<std::string>& names,
                        ChatRequest& request) {
  Fields fields(allowed, place);
  const std::string mode = fields.required_text("mode");
  if (mode != "auto" && mode != "required") {
    wrong_choice(fields.place("mode"), shortened(mode), {"auto", "required"});
  }
  const std::string tools_place = fields.place("tools");
  const Json& tools = to_list(fields.required("tools"), tools_place);
  if (tools.empty()) wrong_value(tools_place, "the array is empty");
  std::set<std::string> chosen;
  for (std::size_t i = 0; i < tools.size(); ++i) {
    Fields tool(tools[i], fmt::format("{}[{}]", tools_place, i));
    chosen.insert(named_tool(tool, names));
  }
  fields.refuse_others();
  request.tool_choice = mode == "auto" ? ToolChoice::automatic : ToolChoice::required;
  std::erase_if(request.tools.get_ref<Json::array_t&>(), [&](const Json& tool) {
    return !chosen.contains(tool["function"]["name"].get_ref<const std::string&>());
  });
}

void read_tool_choice(const Json& choice, const std::string& place, const std::vector<std::string>& names,
                      ChatRequest& request) {
  if (choice.is_object()) {
    Fields fields(choice, place);
    if (fields.required_text("type") == "allowed_tools") {
      read_allowed_tools(fields.required("allowed_tools"), fields.place("allowed_tools"), names, request);
      fields.refuse_others();
    } else {
      request.tool_choice = ToolChoice::named;
      request.tool_name = named_tool(fields, names);
    }
    return;
  }
  if (!choice.is_string()) wrong_type(place, choice, "a string or an object");
  const std::string& word = choice.get_ref<const std::string&>();
  if (word == "required") {
    if (names.empty()) wrong_value(place, "it is allowed only when 'tools' are given");
    request.tool_choice = ToolChoice::required;
  } else if (word == "none") {
    request.tool_choice = ToolChoice::none;
  } else if (word != "auto") {
    wrong_choice(place, shortened(word), {"none", "auto", "required"});
  }
}

}  // namespace

void read_tools(Fields& fields, ChatRequest& request) {
  std::vector<std::string> names;
  const Json* tools = fields.find("tools");
  if (tools != nullptr) {
    const std::string place = fields.place("tools");
    if (to_list(*tools, place).size() > most_tools) {
      wrong_value(place, fmt::format("an array of {}, expected at most {}", tools->size(), most_tools));
    }
    for (std::size_t i = 0; i < tools->size(); ++i) {
      check_tool((*tools)[i], fmt::format("{}[{}]", place, i), names);
    }
    request.tools = *tools;
  }
  if (!names.empty()) request.tool_choice = ToolChoice::automatic;
  if (const Json* choice = fields.find("tool_choice")) {
    read_tool_choice(*choice, fields.place("tool_choice"), names, request);
  }
  // A model that may not call tools is not told of them.
  if (request.tool_choice == ToolChoice::none) request.tools = Json();
  request.strict_tools = std::ranges::any_of(request.tools, is_strict);
  request.parallel_tool_calls = fields.boolean("parallel_tool_calls").value_or(true);
}

void read_response_format(Fields& fields, ChatRequest& request) {
  const Json* format = fields.find("response_format");
  if (format == nullptr) return;
  Fields members(*format, fields.place("response_format"));
  const std::string type = members.required_text("type");
  if (type == "json_object") {
    request.form = ResponseForm::json_object;
  } else if (type == "json_schema") {
    Fields schema(members.required("json_schema"), members.place("json_schema"));
    check_name(schema.required_text("name"), schema.place("name"), "");
    request.form = ResponseForm::json_schema;
    request.schema = to_object(schema.required("schema"), schema.place("schema"));
    static_cast<void>(schema.text("description"));
    static_cast<void>(schema.boolean("strict"));
    schema.refuse_others();
  } else if (type != "text") {
    wrong_choice(members.place("type"), shortened(type), {"text", "json_object", "json_schema"});
  }
  members.refuse_others();
}

void read_thinking(Fields& fields, ChatRequest& request) {
  if (const auto effort = fields.text("reasoning_effort")) {
    const auto words = {"none"sv, "minimal"sv, "low"sv, "medium"sv, "high"sv, "xhigh"sv, "max"sv};
    if (std::ranges::find(words, *effort) == words.end()) {
      wrong_choice(fields.place("reasoning_effort"), shortened(*effort), words);
    }
    request.thinking = *effort != "none";
  }
  if (const Json* settings = fields.find("chat_template_kwargs")) {
    Fields members(*settings, fields.place("chat_template_kwargs"));
    if (const auto enabled = members.boolean("enable_thinking")) request.thinking = enabled;
    members.refuse_others();
  }
}

}  // namespace artemis
