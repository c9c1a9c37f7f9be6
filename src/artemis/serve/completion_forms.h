// The two forms of completions.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "artemis/serve/completion.h"
#include "artemis/serve/openai_request.h"

namespace artemis {

// `model` must outlive it; `make_id` names tool calls.
std::unique_ptr<CompletionForm> chat_form(ResponseHead head, const ChatRequest& request, bool opens_thought,
                                          const ServedModel& model, std::function<std::string()> make_id);

// `echoes`: what each text begins with, one a choice.
std::unique_ptr<CompletionForm> text_form(ResponseHead head, const AnswerParameters& answer,
                                          std::vector<std::string> echoes);

}  // namespace artemis
