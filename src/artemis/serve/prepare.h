// From a request as a client sends it to what the engine takes.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "artemis/generate/request.h"
#include "artemis/serve/openai_request.h"
#include "artemis/serve/picture_loader.h"
#include "artemis/serve/served_model.h"

namespace artemis {

// A prompt, ready to be continued `n` times.
struct PreparedPrompt {
  std::vector<std::int32_t> tokens;
  std::vector<EnginePicture> pictures;
  bool opens_thought = false;
};

class Preparation {
 public:
  // `thinking`: whether answers think where a request says nothing; absent: as the template has it. All must
  // outlive it.
  Preparation(const ServedModel& model, const PictureLoader& pictures, std::optional<bool> thinking)
      : model_(model), pictures_(pictures), thinking_(thinking) {}

  // All throw ApiError for what the model cannot do, for prompts beyond its context, and as `patience` does.
  PreparedPrompt prompt_of(const ChatRequest& request, Patience& patience) const;
  PreparedPrompt prompt_of(const std::variant<std::string, std::vector<std::int32_t>>& prompt) const;
  std::vector<std::int32_t> tokens_of(std::string_view text, bool add_special_tokens) const;

  // The requests of all choices from one prompt, without deadlines. `chat`: what else the request asks of
  // them; null for text completions.
  std::vector<EngineRequest> requests(const PreparedPrompt& prompt, const AnswerParameters& answer,
                                      const ChatRequest* chat) const;

 private:
  std::vector<EnginePicture> load(const std::vector<PictureUrl>& urls, Patience& patience) const;
  // `param`: where the prompt stands in the request.
  void refuse_too_long(std::int64_t tokens, std::int64_t new_tokens, const char* param) const;
  GenerateOptions options_of(const AnswerParameters& answer, std::int64_t prompt_tokens) const;
  void constrain(EngineRequest& request, const ChatRequest& chat, bool opens_thought) const;

  const ServedModel& model_;
  const PictureLoader& pictures_;
  std::optional<bool> thinking_;
};

}  // namespace artemis
