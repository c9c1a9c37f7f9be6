// The bodies of OpenAI's answers: chat completions and text completions, whole or as the pieces of a stream.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/io/json.h"
#include "artemis/serve/tool_calls.h"

namespace artemis {

// What all bodies of one answer begin with.
struct ResponseHead {
  std::string id;
  std::int64_t created = 0;  // seconds since 1970
  std::string model;
};

struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;  // of the prompt
  std::int64_t completion_tokens = 0;
  std::int64_t reasoning_tokens = 0;  // of the completion
};

// A token by its bytes, which need not be whole characters.
struct TokenChance {
  std::string bytes;
  float logprob = 0;
};
struct TokenChances {
  TokenChance drawn;
  std::vector<TokenChance> top;  // the likeliest, falling
};

// One answer, or what is new of it.
struct ChatChoice {
  std::int64_t index = 0;
  std::string reasoning{};
  std::string content{};
  std::vector<ToolCall> calls{};
  std::int64_t first_call = 0;           // the place of the first of `calls` in the answer
  std::vector<TokenChances> logprobs{};  // only where they were asked for
  bool has_logprobs = false;
  std::string finish_reason{};  // "": it goes on
};

std::string chat_completion(const ResponseHead& head, const std::vector<ChatChoice>& choices,
                            const Usage& usage);
// A piece of a stream. `begins`: it names the role; `usage_follows`: the stream ends with the counts.
std::string chat_chunk(const ResponseHead& head, const ChatChoice& choice, bool begins, bool usage_follows);

struct TextChoice {
  std::int64_t index = 0;
  std::string text{};
  std::vector<TokenChances> logprobs{};
  bool has_logprobs = false;
  std::int64_t text_offset = 0;  // characters before those of `logprobs`
  std::string finish_reason{};   // "": it goes on
};

std::string text_completion(const ResponseHead& head, const std::vector<TextChoice>& choices,
                            const Usage& usage);
std::string text_chunk(const ResponseHead& head, const TextChoice& choice, bool usage_follows);

// The last piece of a stream that was asked for the counts. `object`: "chat.completion.chunk" or
// "text_completion".
std::string usage_chunk(const ResponseHead& head, std::string_view object, const Usage& usage);

// Characters of the tokens' text.
std::int64_t characters_of(const std::vector<TokenChances>& tokens);

// Server-sent events: one with this data, and the one that ends a stream.
std::string event(std::string_view data);
inline constexpr std::string_view last_event = "data: [DONE]\n\n";

}  // namespace artemis
