#include <fmt/format.h>

#include <cstdio>

#include "artemis/cli/commands.h"
#include "artemis/cli/options.h"
#include "artemis/generate/generator.h"

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
  bool no_thinking = false;
  bool ignore_eos = false;
  bool json = false;
  std::int64_t max_new_tokens = 256;
  std::optional<float> temperature;
  std::optional<std::int64_t> top_k;
  std::optional<float> top_p;
  std::optional<float> min_p;
  std::optional<float> repetition_penalty;
  std::uint64_t seed = 0;
  std::vector<std::string> stop;
};

// One user turn: the pictures, then the prompt.
Json prompt_messages(const std::string& prompt, std::size_t pictures) {
  Json content = Json::array();
  for (std::size_t i = 0; i < pictures; ++i) content.push_back({{"type", "image"}});
  content.push_back({{"type", "text"}, {"text", prompt}});
  Json message = {{"role", "user"}};
  message["content"] = pictures == 0 ? Json(prompt) : content;
  return Json::array({message});
}

GenerateOptions generate_options(const Options& options, const LoadedModel& model) {
  const GenerationDefaults defaults = read_generation_defaults(model.directory, model.config);
  GenerateOptions result{.max_new_tokens = options.max_new_tokens,
                         .sampling = defaults.sampling,
                         .stop = options.stop,
                         .end_tokens = defaults.end_tokens,
                         .ignore_eos = options.ignore_eos};
  SamplingOptions& sampling = result.sampling;
  sampling.temperature = options.temperature.value_or(sampling.temperature);
  sampling.top_k = options.top_k.value_or(sampling.top_k);
  sampling.top_p = options.top_p.value_or(sampling.top_p);
  sampling.min_p = options.min_p.value_or(sampling.min_p);
  sampling.repetition_penalty = options.repetition_penalty.value_or(sampling.repetition_penalty);
  sampling.seed = options.seed;
  return result;
}

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
  LoadedModel model = load_model(*ctx, options.model, compute_dtype(options.run), options.adapter);
  apply(options.pictures, model.processor);
  const Json messages = options.messages.empty()
                            ? prompt_messages(options.prompt, options.pictures.files.size())
                            : read_messages(options.messages);
  const Json tools = options.tools.empty() ? Json() : read_json(options.tools);
  ChatOptions chat;
  chat.add_generation_prompt = true;
  if (options.no_thinking) chat.enable_thinking = false;
  if (!options.tools.empty()) chat.tools = &tools;
  const PictureBatch pictures = model.processor.preprocess(read_images(options.pictures), ctx->pool());
  const std::vector<std::int32_t> prompt =
      model.processor.encode(model.processor.chat_template().render(messages, chat), pictures, true);

  TextCallback stream;
  if (!options.json) {
    stream = [](std::string_view piece) {
      std::fwrite(piece.data(), 1, piece.size(), stdout);
      std::fflush(stdout);
    };
  }
  const GenerateResult result = generate(*ctx, model.graft, model.config, model.processor.tokenizer(), prompt,
                                         pictures, generate_options(options, model), stream);
  if (options.json) {
    print_json(result, prompt.size());
  } else {
    fmt::print("\n");
    fmt::print(stderr, "{} prompt tokens in {:.2f} s, {} new tokens in {:.2f} s ({})\n", prompt.size(),
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
  command->add_flag("--no-thinking", options->no_thinking, "Answer without thinking first");
  command->add_option("--max-new-tokens", options->max_new_tokens, "Longest answer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--temperature", options->temperature, "0 is greedy (default: as the model says)");
  command->add_option("--top-k", options->top_k, "Sample from the K likeliest tokens");
  command->add_option("--top-p", options->top_p, "Sample from the likeliest tokens that hold this share");
  command->add_option("--min-p", options->min_p, "Leave out tokens under this share of the likeliest");
  command->add_option("--repetition-penalty", options->repetition_penalty,
                      "Over 1 makes repeats less likely");
  command->add_option("--seed", options->seed, "Of the sampling")->capture_default_str();
  command->add_option("--stop", options->stop, "End before this text (may be given several times)");
  command->add_flag("--ignore-eos", options->ignore_eos, "Go on past end tokens");
  command->add_flag("--json", options->json, "Print ids, text, finish_reason and timings as JSON");
  add_run_options(*command, options->run);
  command->footer("Example:  artemis generate --model DIR --image photo.jpg --prompt \"What is this?\"");
  command->callback([options] { run(*options); });
}

}  // namespace artemis
