#include "artemis/serve/tool_calls.h"

#include <algorithm>

#include "artemis/serve/tags.h"

namespace artemis {
namespace {

constexpr std::string_view function_begin = "<function=";
constexpr std::string_view function_end = "</function>";
constexpr std::string_view parameter_begin = "<parameter=";
constexpr std::string_view parameter_end = "</parameter>";
constexpr std::size_t longest_name = 256;

std::string_view without_line_ends(std::string_view text) {
  if (text.starts_with('\n')) text.remove_prefix(1);
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

}  // namespace

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
  arguments_.clear();
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
  auto found = std::ranges::find(arguments_, key_, &Argument::key);
  if (found == arguments_.end()) found = arguments_.insert(found, Argument{key_});
  found->json = reader_.json(name_, key_, text);
  at_ = end + parameter_end.size();
  state_ = State::parameter;
  return Step::on;
}

ToolCallParser::Step ToolCallParser::finish_call(ToolPiece& piece) {
  const Step end = expect(call_end, State::content);
  if (end != Step::on) return end;
  held_.erase(0, at_);
  called_ = true;
  std::string arguments;
  for (const Argument& argument : arguments_) {
    arguments += (arguments.empty() ? "{" : ",") + json_text(argument.key) + ":" + argument.json;
  }
  piece.calls.push_back({make_id_(), name_, arguments.empty() ? "{}" : arguments + "}"});
  return Step::on;
}

// What was held so far is content; the text goes on behind it.
void ToolCallParser::give_up(std::string& content) {
  content += held_.substr(0, at_);
  held_.erase(0, at_);
  state_ = State::content;
}

}  // namespace artemis
