// The first byte chooses the path, the others are the body. It is taken, or refused with a 400 in one short
// JSON line.
#include <cstdint>
#include <string_view>

#include "artemis/serve/api_error.h"
#include "artemis/serve/openai_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace artemis;
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr std::int64_t vocab_size = 1000;
  try {
    switch (data[0] % 4) {
      case 0: {
        const ChatRequest request = parse_chat_request(body);
        ARTEMIS_ASSERT(request.answer.n >= 1 && request.answer.n <= most_choices);
        ARTEMIS_ASSERT(!request.messages.list.empty() && request.messages.pictures.size() <= most_pictures);
        ARTEMIS_ASSERT((request.tool_choice == ToolChoice::none) == request.tools.is_null());
        break;
      }
      case 1:
        ARTEMIS_ASSERT(!parse_completion_request(body, vocab_size).prompts.empty());
        break;
      case 2:
        parse_tokenize_request(body);
        break;
      default:
        parse_detokenize_request(body, vocab_size);
        break;
    }
  } catch (const ApiError& error) {
    ARTEMIS_ASSERT(error.status() == 400);
    const Json json = Json::parse(error.body());
    ARTEMIS_ASSERT(!json["error"]["message"].get_ref<const std::string&>().empty());
    ARTEMIS_ASSERT(error.body().size() < 4096);
  }
  return 0;
}
