#include <fmt/format.h>

#include "artemis/cli/commands.h"
#include "artemis/cli/conversation.h"
#include "artemis/cli/stderr.h"

namespace artemis {
namespace {

struct Options {
  RunOptions run;
  std::string model;
  std::string adapter;
  std::string prompt;
  std::string messages;
  std::string tools;
  PictureOptions pictures;
  AnswerOptions answer;
  bool ignore_eos = false;
  bool json = false;
};

void print_json(const GenerateResult& result, std::size_t prompt_tokens) {
  const auto decoded = static_cast<double>(result.ids.size()) - 1.0;
  const Json json = {
      {"ids", result.ids},
      {"text", result.text},
      {"finish_reason", result.finish_reason},
      {"prompt_tokens", prompt_tokens},
      {"completion_tokens", result.ids.size()},
      {"timings",
       {{"prefill_seconds", result.prefill_seconds},
        {"decode_seconds", result.decode_seconds},
        {"prefill_tokens_per_second", static_cast<double>(prompt_tokens) / result.prefill_seconds},
        {"decode_tokens_per_second", result.decode_seconds > 0 ? decoded / result.decode_seconds : 0.0}}}};
  fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void run(const Options& options) {
  if (options.prompt.empty() == options.messages.empty()) {
    throw UsageError("generate", "expected either --prompt or --messages");
  }
  const auto ctx = make_context(options.run);
  LoadedModel model = open_model(options.model);
  apply(options.pictures, model.processor);
  const Json messages = options.messages.empty()
                            ? Json::array({user_message(options.prompt, options.pictures.files)})
                            : read_messages(options.messages);
  const Json tools = options.tools.empty() ? Json() : read_json(options.tools);
  ChatOptions chat = chat_options(options.answer);
  if (!options.tools.empty()) chat.tools = &tools;
  const PictureBatch pictures = model.processor.preprocess(read_images(options.pictures), ctx->pool());
  const std::vector<std::int32_t> prompt =
      model.processor.encode(model.processor.chat_template().render(messages, chat), pictures, true);

  GenerateOptions answer = generate_options(options.answer, model);
  answer.ignore_eos = options.ignore_eos;
  const DType dtype = compute_dtype(options.run);
  const GenerateRequest request{prompt, pictures};
  GenerationMemory memory;
  if (ctx->device().kind == DeviceKind::cuda)
    memory = generation_memory(model.config, dtype, std::span(&request, 1), answer);
  load_weights(*ctx, model, dtype, options.adapter, memory);
  const GenerateResult result = generate(*ctx, model.graft, model.config, model.processor.tokenizer(), prompt,
                                         pictures, answer, options.json ? TextCallback() : stream_text);
  if (options.json) {
    print_json(result, prompt.size());
  } else {
    fmt::print("\n");
    print_stderr("{} prompt tokens in {:.2f} s, {} new tokens in {:.2f} s ({})\n", prompt.size(),
                 result.prefill_seconds, result.ids.size(), result.decode_seconds, result.finish_reason);
  }
}

}  // namespace

void add_generate_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("generate", "Continue a conversation, with or without pictures");
  command->add_option("--model", options->model, "Model directory")->required();
  add_adapter_option(*command, options->adapter);
  add_picture_options(*command, options->pictures);
  command->add_option("--prompt", options->prompt, "One user turn, after the pictures");
  command->add_option("--messages", options->messages,
                      "JSON file with a list of messages, in place of --prompt");
  command->add_option("--tools", options->tools, "JSON file with a list of tools");
  add_answer_options(*command, options->answer);
  command->add_flag("--ignore-eos", options->ignore_eos, "Go on past end tokens");
  command->add_flag("--json", options->json, "Print ids, text, finish_reason and timings as JSON");
  add_run_options(*command, options->run);
  command->footer("Example:  artemis generate --model DIR --image photo.jpg --prompt \"What is this?\"");
  command->callback([options] { run(*options); });
}

}  // namespace artemis
