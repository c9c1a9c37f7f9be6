// The parts of a chat request, each in a file of its own; used by openai_request.cpp alone.
#pragma once

#include "artemis/serve/openai_request.h"
#include "artemis/serve/request_fields.h"

namespace artemis {

// "messages".
Messages read_messages_field(Fields& fields);
// "tools", "tool_choice" and "parallel_tool_calls".
void read_tools(Fields& fields, ChatRequest& request);
// "response_format".
void read_response_format(Fields& fields, ChatRequest& request);
// "chat_template_kwargs" and "reasoning_effort".
void read_thinking(Fields& fields, ChatRequest& request);

}  // namespace artemis
