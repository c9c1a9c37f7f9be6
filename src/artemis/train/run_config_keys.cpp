#include "artemis/train/run_config.h"

namespace artemis {
namespace {

constexpr double unbounded = std::numeric_limits<double>::infinity();

KeyRange at_least(double least) { return {.least = least, .most = unbounded, .above_least = false}; }
KeyRange above(double least) { return {.least = least, .most = unbounded, .above_least = true}; }
KeyRange between(double least, double most) { return {.least = least, .most = most, .above_least = false}; }

// A key that changes what the run computes.
ConfigKey key(std::string name, ConfigKey::Field field, std::string help, KeyRange range = {}) {
  return {.name = std::move(name), .field = field, .help = std::move(help), .range = range};
}

ConfigKey choice(std::string name, std::string RunConfig::*field, std::string help,
                 std::vector<std::string> choices) {
  return {.name = std::move(name), .field = field, .help = std::move(help), .choices = std::move(choices)};
}

// A key that may differ when a run is resumed.
ConfigKey free(ConfigKey key) {
  key.alters = false;
  return key;
}

std::vector<ConfigKey> make_keys() {
  using C = RunConfig;
  return {
      key("model", &C::model, "Model directory to start from"),
      free(key("out", &C::out, "Directory of the run: its checkpoints, its figures, the trained weights")),
      key("stage", &C::stage, "1 trains the projector, 2 the decoder too", between(1, 2)),
      key("train.projector", &C::train_projector, "Train the projector (default: as the stage says)"),
      key("train.decoder", &C::train_decoder, "Train the decoder (default: as the stage says)"),
      key("train.tower", &C::train_tower, "Train the vision tower whole (default: no)"),
      key("train.tower_blocks", &C::train_tower_blocks, "Train the top blocks of the tower, so many",
          at_least(0)),
      choice("method", &C::method, "full, or lora: adapters on the decoder in place of its weights",
             {"full", "lora"}),
      key("lora.rank", &C::lora_rank, "Of each adapter", between(1, 65536)),
      key("lora.alpha", &C::lora_alpha, "Adapters are scaled by alpha / rank", above(0)),
      key("lora.target_modules", &C::lora_target_modules, "Linear maps of the decoder with adapters"),

      key("data", &C::data,
          "Files or folders (tar, JSONL); in a file also a list of {path or paths, weight}, mixed by weight"),
      free(key("eval.data", &C::eval_data, "Held-out data, as data")),
      free(key("eval.every", &C::eval_every, "Steps between evaluations; 0: at the end alone", at_least(0))),
      free(key("eval.batches", &C::eval_batches, "Micro-batches of held-out data; 0: all", at_least(0))),
      free(key("eval.grounding", &C::eval_grounding,
               "Rows scored with the right picture, with another's and with none")),
      free(key("eval.scenes", &C::eval_scenes, "NAME=FOLDER of scenes whose captions are graded")),
      free(key("eval.ask", &C::eval_ask, "Ask the questions of each scene too")),
      free(key("eval.questions", &C::eval_questions, "JSONL file of image, question and answers")),
      free(key("eval.metric", &C::eval_metric,
               "Of questions that name none: vqa, anls, relaxed, contains, exact")),
      free(key("eval.text", &C::eval_text, "Rows of text that must come out as from eval.bare")),
      free(key("eval.bare", &C::eval_bare, "Directory of the decoder that the model was made from")),
      free(key("eval.limit", &C::eval_limit, "Rows of each of these; 0: all", at_least(0))),

      key("batch_size", &C::batch_size, "Rows in a micro-batch", at_least(1)),
      key("accumulation", &C::accumulation, "Micro-batches in a step", at_least(1)),
      key("token_budget", &C::token_budget, "Fill micro-batches to so many tokens; 0: by rows", at_least(0)),
      key("max_length", &C::max_length, "Tokens in a row; 0: the token budget, or no limit", at_least(0)),
      choice("long_rows", &C::long_rows, "What becomes of longer rows", {"drop", "cut"}),
      key("shuffle_window", &C::shuffle_window, "Rows held for shuffling; 1 keeps the order", at_least(1)),
      free(key("workers", &C::workers, "Threads that prepare rows; 0: one", between(0, 1024))),
      free(key("prefetch", &C::prefetch, "Steps prepared ahead", between(1, 1024))),
      free(key("max_skipped", &C::max_skipped, "Unusable rows that are passed over before giving up",
               at_least(0))),

      key("learning_rate", &C::learning_rate, "At the top of the schedule", above(0)),
      key("warmup_ratio", &C::warmup_ratio, "Share of the steps that warm up", between(0, 1)),
      choice("schedule", &C::schedule, "After the warm-up", {"cosine", "constant"}),
      key("epochs", &C::epochs, "Times through the data", above(0)),
      key("steps", &C::steps, "Steps, in place of epochs; 0: by epochs", at_least(0)),
      key("token_weighted", &C::token_weighted,
          "Weigh every supervised token of a step alike, not micro-batches"),

      choice("optimizer", &C::optimizer, "f32 or 8-bit moments", {"adamw", "adamw8bit"}),
      choice("rounding", &C::rounding, "bf16 weights: with f32 masters, or rounded stochastically",
             {"master", "stochastic"}),
      key("weight_decay", &C::weight_decay, "Of AdamW", at_least(0)),
      key("beta1", &C::beta1, "Decay of the gradient's mean", between(0, 1)),
      key("beta2", &C::beta2, "Decay of the squared gradient's mean", between(0, 1)),
      key("eps", &C::eps, "Added to the root of the squared mean", above(0)),
      key("max_grad_norm", &C::max_grad_norm, "Clip the gradient to this norm; 0 does not", at_least(0)),
      key("layer_decay", &C::layer_decay, "Factor on the learning rate for each layer further from the top",
          {.least = 0, .most = 1, .above_least = true}),

      key("seed", &C::seed, "Of the shuffling", at_least(0)),
      free(choice(
          "recompute", &C::recompute,
          "Made again in the backward pass, in place of kept: nothing, what is pointwise, or all but each "
          "block's input; auto: as little as the memory allows",
          {"auto", "none", "selective", "full"})),
      choice("dtype", &C::dtype, "Of the computation", {"f32", "bf16"}),
      free(key("device", &C::device, "cpu or cuda[:N]")),
      free(key("threads", &C::threads, "Threads of the computation; 0: one a core", between(0, 1024))),

      free(key("save.every", &C::save_every, "Steps between checkpoints; 0: none", at_least(0))),
      free(key("save.keep_last", &C::save_keep_last, "Newest checkpoints kept", at_least(1))),
      free(key("save.keep_best", &C::save_keep_best, "Keep the checkpoint of the lowest eval loss as well")),
      free(key("log_every", &C::log_every, "Steps between lines of metrics.jsonl", at_least(1))),
      free(choice("resume", &C::resume, "auto goes on from the newest checkpoint in out", {"auto", "never"})),
  };
}

}  // namespace

const std::vector<ConfigKey>& run_config_keys() {
  static const std::vector<ConfigKey> keys = make_keys();
  return keys;
}

}  // namespace artemis
