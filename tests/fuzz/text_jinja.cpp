// Any template source, rendered with the variables of a chat under tight limits.
#include <cstdint>
#include <string_view>

#include "artemis/core/error.h"
#include "artemis/io/json.h"
#include "artemis/text/jinja_template.h"

namespace {

const artemis::Json& variables() {
  static const artemis::Json chat = artemis::parse_json(
      R"({"messages": [{"role": "system", "content": "Be kind."},
          {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Grüße 🦊"}]},
          {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "function":
            {"name": "f", "arguments": {"n": 1, "x": 2.5, "b": true, "list": [1, [2]], "none": null}}}]},
          {"role": "tool", "content": "ok"}],
          "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
          "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>"})",
      "variables");
  return chat;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    artemis::JinjaLimits limits;
    limits.steps = 100'000;
    limits.now = 0;
    const std::string_view source(reinterpret_cast<const char*>(data), size);
    artemis::JinjaTemplate::parse(source, "fuzz").render(variables(), limits);
  } catch (const artemis::Error&) {
  }
  return 0;
}
