#include "artemis/serve/tool_calls.h"

#include <optional>

#include "artemis/core/error.h"
#include "artemis/serve/tags.h"

namespace artemis {
namespace {

constexpr std::string_view function_begin = "<function=";
constexpr std::string_view function_end = "</function>";
constexpr std::string_view parameter_begin = "<parameter=";
constexpr std::string_view parameter_end = "</parameter>";
constexpr std::size_t longest_name = 256;

// Sets of JSON types.
constexpr unsigned text_type = 1;
constexpr unsigned null_type = 2;
constexpr unsigned bool_type = 4;
constexpr unsigned integer_type = 8;
constexpr unsigned fraction_type = 16;
constexpr unsigned list_type = 32;
constexpr unsigned object_type = 64;
constexpr unsigned every_type = 127;

unsigned type_named(std::string_view name) {
  if (name == "string") return text_type;
  if (name == "null") return null_type;
  if (name == "boolean") return bool_type;
  if (name == "integer") return integer_type;
  if (name == "number") return integer_type | fraction_type;
  if (name == "array") return list_type;
  if (name == "object") return object_type;
  return 0;
}

unsigned type_of(const Json& value) {
  if (value.is_string()) return text_type;
  if (value.is_null()) return null_type;
  if (value.is_boolean()) return bool_type;
  if (value.is_number_integer()) return integer_type;
  if (value.is_number_float()) return fraction_type;
  return value.is_array() ? list_type : object_type;
}

const Json* member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

// Where a schema's "$ref" leads; null: nowhere.
const Json* referred(const Json& root, const Json& schema) {
  const Json* reference = member(schema, "$ref");
  if (reference == nullptr || !reference->is_string()) return nullptr;
  const std::string& text = reference->get_ref<const std::string&>();
  if (!text.starts_with("#/")) return nullptr;
  try {
    return &root.at(Json::json_pointer(text.substr(1)));
  } catch (const Json::exception&) {
    return nullptr;
  }
}

// Reads which types a schema takes. Schemas come from requests: `steps` bounds those that lead to themselves.
class TypesOf {
 public:
  explicit TypesOf(const Json& root) : root_(root) {}

  unsigned operator()(const Json& schema) {
    if (!schema.is_object() || --steps_ < 0) return every_type;
    unsigned types = every_type;
    if (const Json* type = member(schema, "type")) types &= named(*type);
    if (const Json* values = member(schema, "enum"); values != nullptr && values->is_array()) {
      types &= of_each(*values, [](const Json& value) { return type_of(value); });
    }
    if (const Json* value = member(schema, "const")) types &= type_of(*value);
    for (const char* key : {"anyOf", "oneOf"}) {
      const Json* options = member(schema, key);
      if (options != nullptr && options->is_array()) {
        types &= of_each(*options, [this](const Json& option) { return (*this)(option); });
      }
    }
    if (const Json* parts = member(schema, "allOf"); parts != nullptr && parts->is_array()) {
      for (const Json& part : *parts) types &= (*this)(part);
    }
    if (const Json* target = referred(root_, schema)) types &= (*this)(*target);
    const Json* nullable = member(schema, "nullable");
    return nullable != nullptr && *nullable == Json(true) ? types | null_type : types;
  }

 private:
  static unsigned named(const Json& type) {
    if (type.is_string()) return type_named(type.get_ref<const std::string&>());
    if (!type.is_array()) return every_type;
    return of_each(type, [](const Json& one) {
      return one.is_string() ? type_named(one.get_ref<const std::string&>()) : 0;
    });
  }

  template <typename Types>
  static unsigned of_each(const Json& list, Types types_of) {
    unsigned types = 0;
    for (const Json& item : list) types |= types_of(item);
    return types;
  }

  const Json& root_;
  int steps_ = 1000;
};

// Gathers what the schema of all parameters, and those that its "$ref" and "allOf" lead to, say of one key.
void gather(const Json& root, const Json& schema, std::string_view key, int& steps, Json& found) {
  if (!schema.is_object() || --steps < 0) return;
  const Json* properties = member(schema, "properties");
  const Json* own = properties == nullptr ? nullptr : member(*properties, key);
  const Json* others = member(schema, "additionalProperties");
  if (own == nullptr && others != nullptr && others->is_object()) own = others;
  if (own != nullptr) found.push_back(*own);
  if (const Json* parts = member(schema, "allOf"); parts != nullptr && parts->is_array()) {
    for (const Json& part : *parts) gather(root, part, key, steps, found);
  }
  if (const Json* target = referred(root, schema)) gather(root, *target, key, steps, found);
}

std::optional<Json> json_of(std::string_view text) {
  try {
    return parse_json(text, "value");
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string_view without_line_ends(std::string_view text) {
  if (text.starts_with('\n')) text.remove_prefix(1);
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

// The schema of a tool's parameters; null when there is no such tool, or it says nothing of them.
const Json* parameters_of(const Json& tools, const std::string& name) {
  for (const Json& tool : tools) {
    const Json* function = member(tool, "function");
    const Json* its_name = function == nullptr ? nullptr : member(*function, "name");
    if (its_name != nullptr && *its_name == name) return member(*function, "parameters");
  }
  return nullptr;
}

}  // namespace

Json argument_value(const Json* schema, const Json& parameters, std::string_view text) {
  if (schema == nullptr) return text;
  const unsigned types = TypesOf(parameters)(*schema);
  if ((types & ~text_type) == 0) return text;
  std::optional<Json> value = json_of(text);
  if (!value) return text;
  const unsigned type = type_of(*value);
  // Where text is taken too, text in quotes stands for itself.
  if ((types & text_type) != 0 && ((types & type) == 0 || type == text_type)) return text;
  return *std::move(value);
}

ToolPiece ToolCallParser::push(std::string_view text) {
  ToolPiece piece;
  held_ += text;
  for (Step done; (done = step(piece)) != Step::more;) {
    if (done == Step::misfit) give_up(piece.content);
  }
  return piece;
}

ToolPiece ToolCallParser::flush() {
  ToolPiece piece;
  const bool only_space = length_without_space(held_) == 0;
  if (!only_space || !called_) piece.content = std::move(held_);
  held_.clear();
  return piece;
}

ToolCallParser::Step ToolCallParser::step(ToolPiece& piece) {
  switch (state_) {
    case State::content:
      return find_call(piece.content);
    case State::function:
      return expect(function_begin, State::name);
    case State::name:
      return read_name(name_, State::parameter);
    case State::parameter:
      return next_parameter();
    case State::key:
      return read_name(key_, State::value);
    case State::value:
      return read_value();
    case State::end:
      return finish_call(piece);
  }
  return Step::more;
}

ToolCallParser::Step ToolCallParser::find_call(std::string& content) {
  if (one_call_ && called_) {
    held_.clear();
    return Step::more;
  }
  const std::size_t begin = held_.find(call_begin);
  const std::size_t sure = begin == held_.npos
                               ? length_before_tag(held_, call_begin)
                               : length_without_space(std::string_view(held_).substr(0, begin));
  content += held_.substr(0, sure);
  held_.erase(0, sure);
  if (begin == held_.npos) return Step::more;
  at_ = begin - sure + call_begin.size();
  state_ = State::function;
  arguments_ = Json::object();
  return Step::on;
}

// Reads white space and this tag.
ToolCallParser::Step ToolCallParser::expect(std::string_view tag, State next) {
  at_ = std::min(held_.find_first_not_of(white_space, at_), held_.size());
  const std::string_view rest = std::string_view(held_).substr(at_);
  if (rest.starts_with(tag)) {
    at_ += tag.size();
    from_ = at_;
    state_ = next;
    return Step::on;
  }
  return tag.starts_with(rest) ? Step::more : Step::misfit;
}

ToolCallParser::Step ToolCallParser::next_parameter() {
  const Step parameter = expect(parameter_begin, State::key);
  return parameter == Step::misfit ? expect(function_end, State::end) : parameter;
}

// Reads a name and the '>' behind it.
ToolCallParser::Step ToolCallParser::read_name(std::string& name, State next) {
  const std::size_t end = held_.find_first_of("<>\r\n", at_);
  if (std::min(end, held_.size()) - at_ > longest_name) return Step::misfit;
  if (end == held_.npos) return Step::more;
  if (held_[end] != '>' || end == at_) return Step::misfit;
  name = held_.substr(at_, end - at_);
  at_ = from_ = end + 1;
  state_ = next;
  return Step::on;
}

ToolCallParser::Step ToolCallParser::read_value() {
  const std::size_t end = held_.find(parameter_end, from_);
  if (end == held_.npos) {
    from_ = std::max(at_, held_.size() - std::min(held_.size(), parameter_end.size() - 1));
    return Step::more;
  }
  const std::string_view text = without_line_ends(std::string_view(held_).substr(at_, end - at_));
  const Json* parameters = parameters_of(tools_, name_);
  Json schemas = Json::array();
  if (parameters != nullptr) {
    int steps = 64;
    gather(*parameters, *parameters, key_, steps, schemas);
  }
  const Json schema = {{"allOf", schemas}};
  arguments_[key_] =
      argument_value(schemas.empty() ? nullptr : &schema, parameters == nullptr ? Json() : *parameters, text);
  at_ = end + parameter_end.size();
  state_ = State::parameter;
  return Step::on;
}

ToolCallParser::Step ToolCallParser::finish_call(ToolPiece& piece) {
  const Step end = expect(call_end, State::content);
  if (end != Step::on) return end;
  held_.erase(0, at_);
  called_ = true;
  piece.calls.push_back({make_id_(), name_, arguments_.dump(-1, ' ', false, Json::error_handler_t::replace)});
  return Step::on;
}

// What was held so far is content; the text goes on behind it.
void ToolCallParser::give_up(std::string& content) {
  content += held_.substr(0, at_);
  held_.erase(0, at_);
  state_ = State::content;
}

}  // namespace artemis
