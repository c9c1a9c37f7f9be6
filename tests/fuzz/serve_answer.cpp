// The first byte says whether the prompt opened a thought and how the answer is cut; the others are the
// answer. The cuts make no difference to what it is taken apart into, and the calls' arguments are JSON
// objects.
#include <cstdint>
#include <string>
#include <string_view>

#include "artemis/core/error.h"
#include "artemis/serve/chat_answer.h"

namespace {

using namespace artemis;

std::string taken_apart(std::string_view text, std::size_t piece, bool open, const ArgumentReader& reader) {
  int calls = 0;
  ChatAnswer answer(open, &reader, false, [&calls] { return std::to_string(++calls); });
  ChatChoice choice;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
    answer.push(text.substr(0, piece), choice);
  answer.flush(choice);
  std::string seen = choice.reasoning + "|" + choice.content;
  for (const ToolCall& call : choice.calls) {
    ARTEMIS_ASSERT(Json::parse(call.arguments).is_object());
    seen += "|" + call.id + call.name + call.arguments;
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Json tools = Json::parse(R"([{"type": "function", "function": {"name": "f", "parameters": {
      "type": "object", "properties": {"t": {"type": "string"}, "n": {"type": "number"}, "o": {},
      "e": {"enum": ["1", 5]}, "r": {"$ref": "#/properties/r"}}}}}])");
  static const ArgumentReader reader(tools, ToolChoice::required);
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool open = data[0] % 2 == 1;
  ARTEMIS_ASSERT(taken_apart(text, std::string_view::npos, open, reader) ==
                 taken_apart(text, data[0] / 2 % 16 + 1u, open, reader));
  return 0;
}
