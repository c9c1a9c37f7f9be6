// Tool calls in the text of an answer, in the form that the chat templates of Qwen3-Coder and ours ask for:
//
//   <tool_call>
//   <function=NAME>
//   <parameter=KEY>
//   VALUE
//   </parameter>
//   </function>
//   </tool_call>
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/serve/argument_reader.h"

namespace artemis {

inline constexpr std::string_view call_begin = "<tool_call>";
inline constexpr std::string_view call_end = "</tool_call>";

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // the text of a JSON object
};

// What is new: content without half a tag, and whole calls.
struct ToolPiece {
  std::string content;
  std::vector<ToolCall> calls;
};

// Takes the calls out of an answer as it comes. Text that begins as a call and does not go on as one is
// content, all of it. White space before a call, and behind the last one, is left out. All pieces together do
// not depend on how the text was cut.
class ToolCallParser {
 public:
  // `reader`, of the tools that may be called, must outlive it. `make_id` is called once for each call.
  // `one_call`: what comes behind the first is left out.
  ToolCallParser(const ArgumentReader& reader, bool one_call, std::function<std::string()> make_id)
      : reader_(reader), one_call_(one_call), make_id_(std::move(make_id)) {}

  ToolPiece push(std::string_view text);
  // The rest, when no more text comes.
  ToolPiece flush();

 private:
  enum class State { content, function, name, parameter, key, value, end };
  enum class Step { on, more, misfit };  // done, more text is needed, this is no call
  struct Argument {
    std::string key;
    std::string json{};
  };

  Step step(ToolPiece& piece);
  Step find_call(std::string& content);
  Step expect(std::string_view tag, State next);
  Step next_parameter();
  Step read_name(std::string& name, State next);
  Step read_value();
  Step finish_call(ToolPiece& piece);
  void give_up(std::string& content);

  const ArgumentReader& reader_;
  bool one_call_;
  std::function<std::string()> make_id_;
  State state_ = State::content;
  std::string held_;      // the text that was not given out
  std::size_t at_ = 0;    // so far it was read
  std::size_t from_ = 0;  // no end of the value begins before this
  std::string name_, key_;
  std::vector<Argument> arguments_;
  bool called_ = false;
};

}  // namespace artemis
