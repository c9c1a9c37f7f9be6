#include <fmt/format.h>

#include <numeric>

#include "artemis/cli/commands.h"
#include "artemis/cli/options.h"
#include "artemis/cli/tensor_file.h"
#include "artemis/model/weight_names.h"
#include "artemis/train/collate.h"

namespace artemis {
namespace {

struct Options {
  RunOptions run;
  std::string model;
  std::string adapter;
  std::string messages;
  std::string out;
  PictureOptions pictures;
  bool labels = false;
  bool gradients = false;
  int stage = 1;
  std::int64_t unfreeze_tower = 0;
};

// Without labels the messages are a prompt; with labels the last one is the target.
Example make_input(const Options& options, const LoadedModel& model, ThreadPool& pool) {
  const Json messages = read_messages(options.messages);
  const std::vector<PictureFile> images = read_images(options.pictures);
  if (options.labels || options.gradients) {
    return make_example({.key = options.messages, .messages = messages, .images = images}, model.processor,
                        model.config, pool);
  }
  const bool answered = messages.back().value("role", "") == "assistant";
  Example example{.key = options.messages, .input_ids = {}, .labels = {}, .pictures = {}};
  example.pictures = model.processor.preprocess(images, pool);
  ChatOptions chat;
  chat.add_generation_prompt = !answered;
  if (answered) chat.enable_thinking = row_thinks(messages);
  example.input_ids =
      model.processor.encode(model.processor.chat_template().render(messages, chat), example.pictures, true);
  example.labels.assign(example.input_ids.size(), ignored_label);
  return example;
}

void add_logits(Context& ctx, TensorFile& file, const LoadedModel& model, const Batch& batch) {
  const DType dtype = model.graft.language_model.embed_tokens.dtype();
  Tensor features;
  if (!batch.pictures.empty()) {
    features = ctx.allocate(
        dtype, {image_tokens(*model.config.vision, batch.pictures), model.config.text.hidden_size});
    image_features(ctx, features, batch.pictures, model.graft, model.config);
    file.add("image_features", features);
  }
  const Tensor logits = ctx.allocate(DType::f32, {batch.text.tokens(), model.config.text.vocab_size});
  graft_logits(ctx, logits, batch.text, features, model.graft, model.config);
  file.add("logits", logits);
}

void add_gradients(TensorFile& file, Graft& gradients, const GraftConfig& config) {
  for_each_weight(gradients, config, [&](const WeightSpec& spec, Tensor& gradient) {
    if (gradient) file.add("grad." + spec.name, gradient.view(spec.shape));
  });
}

void run(const Options& options) {
  const auto ctx = make_context(options.run);
  LoadedModel model = load_model(*ctx, options.model, compute_dtype(options.run), options.adapter);
  apply(options.pictures, model.processor);
  const Example example = make_input(options, model, ctx->pool());
  const Batch batch = collate(std::span(&example, 1));

  TensorFile file;
  file.add("input_ids", id_tensor(example.input_ids));
  add_logits(*ctx, file, model, batch);
  if (options.labels || options.gradients) {
    file.add("labels", id_tensor(example.labels));
    require(batch.supervision.count() > 0, options.messages,
            "no position is supervised, so there is no loss");
    const float scale = 1.0f / static_cast<float>(batch.supervision.count());
    double sum = 0;
    if (options.gradients) {
      Graft gradients =
          make_gradients(model.config, training_stage(options.stage, options.unfreeze_tower), ctx->device());
      sum = graft_loss_and_gradients(*ctx, gradients, batch.text, batch.pictures, batch.supervision, scale,
                                     model.graft, model.config);
      add_gradients(file, gradients, model.config);
    } else {
      sum = graft_loss(*ctx, batch.text, batch.pictures, batch.supervision, model.graft, model.config);
    }
    const auto loss = static_cast<float>(sum / static_cast<double>(batch.supervision.count()));
    file.add("loss", Tensor::from<float>(std::span(&loss, 1), Shape{}));
    fmt::print("loss {:.6f} over {} of {} tokens\n", loss, batch.supervision.count(), batch.text.tokens());
  } else {
    fmt::print("{} tokens, {} of them picture\n", batch.text.tokens(),
               std::ranges::count(batch.text.input_ids, model.config.image_token_id));
  }
  file.write(options.out);
}

}  // namespace

void add_forward_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("forward", "One forward pass: ids, features, logits, loss and gradients");
  command->add_option("--model", options->model, "Model directory")->required();
  add_adapter_option(*command, options->adapter);
  command->add_option("--messages", options->messages, "JSON file with a list of messages")->required();
  add_picture_options(*command, options->pictures);
  command->add_option("--out", options->out, "Safetensors file to write")->required();
  command->add_flag("--labels", options->labels, "Write labels and loss too; the last message is the target");
  command->add_flag("--gradients", options->gradients, "Write grad.NAME for every trained tensor too");
  command->add_option("--stage", options->stage, "What is trained: 1 the projector, 2 the decoder too")
      ->capture_default_str();
  command->add_option("--unfreeze-tower", options->unfreeze_tower, "Train the top N blocks of the tower too")
      ->check(CLI::NonNegativeNumber);
  add_run_options(*command, options->run);
  command->footer(
      "Example:  artemis forward --model DIR --messages chat.json --image photo.jpg --out x.safetensors");
  command->callback([options] { run(*options); });
}

}  // namespace artemis
