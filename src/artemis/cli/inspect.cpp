#include <fmt/format.h>

#include <map>

#include "artemis/cli/commands.h"
#include "artemis/cli/model_name.h"
#include "artemis/cli/options.h"
#include "artemis/model/weight_names.h"

namespace artemis {
namespace {

struct Options {
  std::string model;
  bool json = false;
  bool tensors = false;
};

struct PartSummary {
  std::int64_t tensors = 0;
  std::int64_t parameters = 0;
  std::uint64_t bytes = 0;
  std::map<std::string, std::int64_t> dtypes;  // name and number of tensors
};

struct Summary {
  std::map<std::string, PartSummary> parts;
  PartSummary total;
};

std::string part_of(const std::string& name) {
  for (const char* part :
       {"visual.deepstack_merger_list", "visual", "multi_modal_projector", "language_model"}) {
    if (name.starts_with(std::string(part) + ".")) return part;
  }
  return "language_model";  // a bare decoder
}

void add(PartSummary& part, const SafetensorsEntry& entry) {
  ++part.tensors;
  part.parameters += entry.count();
  part.bytes += entry.bytes().size();
  ++part.dtypes[std::string(entry.dtype_name())];
}

Summary summarise(const CheckpointReader& checkpoint) {
  Summary summary;
  for (const std::string& name : checkpoint.names()) {
    const SafetensorsEntry& entry = checkpoint.entry(name);
    add(summary.parts[part_of(name)], entry);
    add(summary.total, entry);
  }
  return summary;
}

std::string dtype_list(const PartSummary& part) {
  std::string text;
  for (const auto& [name, count] : part.dtypes) text += (text.empty() ? "" : " ") + name;
  return text;
}

std::string trained_in(const std::string& part) {
  if (part == "multi_modal_projector") return "1, 2";
  if (part == "language_model") return "2";
  if (part == "visual") return "top blocks on request";
  return "never used";
}

double gib(double bytes) { return bytes / (1024.0 * 1024.0 * 1024.0); }

// Bytes to run in bf16, and to train: gradients, two moments and (for bf16) a master copy, in f32, of what is
// trained.
struct MemoryNeeds {
  double inference;
  double stage1;
  double stage2;
};

MemoryNeeds memory_needs(const GraftConfig& config) {
  const ParameterCounts counts = count_parameters(config);
  const auto all = static_cast<double>(counts.tower + counts.projector + counts.decoder);
  constexpr double trained_bytes = 4.0 * 4.0;
  return {2.0 * all, 2.0 * all + trained_bytes * static_cast<double>(counts.projector),
          2.0 * all + trained_bytes * static_cast<double>(counts.projector + counts.decoder)};
}

Json to_json(const PartSummary& part) {
  return {{"tensors", part.tensors},
          {"parameters", part.parameters},
          {"bytes", part.bytes},
          {"dtypes", part.dtypes}};
}

void print_json(const Summary& summary, const GraftConfig& config) {
  Json json = {{"model_type", config.source["model_type"]}, {"parts", Json::object()}};
  for (const auto& [name, part] : summary.parts) {
    json["parts"][name] = to_json(part);
    json["parts"][name]["trained_in_stage"] = trained_in(name);
  }
  json["total"] = to_json(summary.total);
  const MemoryNeeds needs = memory_needs(config);
  json["memory_bytes_bf16"] = {
      {"inference", needs.inference}, {"stage1", needs.stage1}, {"stage2", needs.stage2}};
  fmt::print("{}\n", json.dump(2));
}

void print_shapes(const GraftConfig& config) {
  if (config.vision) {
    const VisionConfig& v = *config.vision;
    fmt::print(
        "tower     depth {}, hidden {}, heads {} of {}, MLP {}, patch {} x {} frames, merge {}, out {}\n",
        v.depth, v.hidden_size, v.num_heads, v.head_dim(), v.intermediate_size, v.patch_size,
        v.temporal_patch_size, v.spatial_merge_size, v.out_hidden_size);
    fmt::print("projector {} -> {} -> {}\n", v.out_hidden_size, config.text.hidden_size,
               config.text.hidden_size);
  }
  const TextConfig& t = config.text;
  fmt::print(
      "decoder   {}, {} layers, hidden {}, heads {} of {} ({} KV), MLP {}, vocabulary {}, context {}{}{}\n",
      t.model_type, t.num_hidden_layers, t.hidden_size, t.num_attention_heads, t.head_dim,
      t.num_key_value_heads, t.intermediate_size, t.vocab_size, t.max_position_embeddings,
      t.sliding_window > 0 ? fmt::format(", window {}", t.sliding_window) : "",
      t.tie_word_embeddings ? ", tied head" : "");
}

void print_table(const Summary& summary, const GraftConfig& config) {
  print_shapes(config);
  fmt::print("\n{:<30} {:>8} {:>16} {:>12}  {:<10} {}\n", "part", "tensors", "parameters", "MiB", "dtype",
             "trained in stage");
  const auto row = [](const std::string& name, const PartSummary& part, const std::string& trained) {
    fmt::print("{:<30} {:>8} {:>16} {:>12.2f}  {:<10} {}\n", name, part.tensors, part.parameters,
               static_cast<double>(part.bytes) / (1024.0 * 1024.0), dtype_list(part), trained);
  };
  for (const auto& [name, part] : summary.parts) row(name, part, trained_in(name));
  row("total", summary.total, "");
  const MemoryNeeds needs = memory_needs(config);
  fmt::print(
      "\nmemory in bf16, activations aside: {:.2f} GiB to run, {:.2f} GiB for Stage 1, {:.2f} GiB for Stage "
      "2\n",
      gib(needs.inference), gib(needs.stage1), gib(needs.stage2));
}

void run(const Options& options) {
  const GraftConfig config = read_graft_config(options.model);
  const CheckpointReader checkpoint = CheckpointReader::open(options.model);
  if (options.tensors) {
    for (const std::string& name : checkpoint.names()) {
      const SafetensorsEntry& entry = checkpoint.entry(name);
      fmt::print("{:<80} {:<6} {}\n", name, entry.dtype_name(), entry.shape_string());
    }
    return;
  }
  const Summary summary = summarise(checkpoint);
  if (options.json) {
    print_json(summary, config);
  } else {
    print_table(summary, config);
  }
}

}  // namespace

void add_inspect_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("inspect", "What a model directory holds: parts, shapes, dtypes, memory");
  command->add_option("model", options->model, "Model directory")->transform(model_directory)->required();
  command->add_flag("--tensors", options->tensors, "List every tensor");
  command->add_flag("--json", options->json, "Print JSON");
  command->footer("Example:  artemis inspect A3");
  command->callback([options] { run(*options); });
}

}  // namespace artemis
