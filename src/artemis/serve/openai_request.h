// The bodies of OpenAI's /v1/chat/completions and /v1/completions as typed requests. All throw ApiError 400,
// naming the parameter, for what is malformed, out of range or not supported; docs/serving.md lists what is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "artemis/generate/sampler.h"
#include "artemis/io/json.h"

namespace artemis {

inline constexpr std::int64_t most_choices = 64;
inline constexpr std::size_t most_stops = 16;
inline constexpr std::int64_t most_logprobs = 20;
inline constexpr std::size_t most_tools = 128;
inline constexpr std::size_t most_pictures = 64;
inline constexpr std::size_t most_biases = 1024;

// What is absent is as the model says.
struct AnswerParameters {
  std::string model;  // "" when it names none
  std::optional<std::int64_t> max_tokens;
  SamplingChanges sampling;
  std::vector<std::pair<std::int32_t, float>> logit_bias;
  std::optional<std::uint64_t> seed;
  std::int64_t n = 1;
  std::vector<std::string> stop;
  bool ignore_eos = false;
  bool stream = false;
  bool include_usage = false;  // a last piece of the stream with the counts
  std::optional<std::int64_t>
      logprobs;  // absent: none; else how many of the likeliest tokens beside the drawn
};

struct PictureUrl {
  std::string url;
  std::string place;  // in the request
};

struct Messages {
  Json list;                         // for the chat template: {"type": "image"} where a picture stands
  std::vector<PictureUrl> pictures;  // in their order
};

enum class ToolChoice : std::uint8_t { none, automatic, required, named };
enum class ResponseForm : std::uint8_t { text, json_object, json_schema };

struct ChatRequest {
  AnswerParameters answer;
  Messages messages;
  Json tools;  // null: none
  ToolChoice tool_choice = ToolChoice::none;
  std::string tool_name;      // of ToolChoice::named
  bool strict_tools = false;  // one at least says `strict: true`
  bool parallel_tool_calls = true;
  ResponseForm form = ResponseForm::text;
  Json schema;  // of ResponseForm::json_schema
  std::optional<bool> thinking;
};

struct CompletionRequest {
  AnswerParameters answer;
  std::vector<std::variant<std::string, std::vector<std::int32_t>>> prompts;
  bool echo = false;  // each text begins with its prompt
};

struct TokenizeRequest {
  std::string model;                             // "" when it names none
  std::variant<std::string, ChatRequest> input;  // text, or messages with their tools
  bool add_special_tokens = true;                // to text
};

struct DetokenizeRequest {
  std::string model;
  std::vector<std::int32_t> tokens;
};

// `vocab_size`: token ids are below it.
ChatRequest parse_chat_request(std::string_view body);
CompletionRequest parse_completion_request(std::string_view body, std::int64_t vocab_size);
TokenizeRequest parse_tokenize_request(std::string_view body);
DetokenizeRequest parse_detokenize_request(std::string_view body, std::int64_t vocab_size);

}  // namespace artemis
