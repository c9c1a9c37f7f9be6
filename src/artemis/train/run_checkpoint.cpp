#include "artemis/train/run_checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "artemis/io/atomic_file.h"
#include "artemis/io/safetensors.h"

namespace artemis {
namespace {

constexpr std::string_view prefix = "checkpoint-";
constexpr const char* optimizer_file = "optimizer.safetensors";
constexpr const char* state_file = "state.json";
constexpr const char* own_checksum = "checksum";  // of state.json without it
constexpr std::int64_t format = 1;

struct Saved {
  std::int64_t step = 0;
  std::filesystem::path path;
};

std::optional<std::int64_t> step_of(const std::string& name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  std::int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [stopped, error] = std::from_chars(name.data() + prefix.size(), end, step);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return step;
}

// Newest first.
std::vector<Saved> saved_in(const std::filesystem::path& out) {
  std::vector<Saved> saved;
  for (const auto& entry : std::filesystem::directory_iterator(out)) {
    if (const auto step = step_of(entry.path().filename().string())) saved.push_back({*step, entry.path()});
  }
  std::ranges::sort(saved, std::greater(), &Saved::step);
  return saved;
}

// A number that changes with any byte.
std::string checksum_of(std::string_view bytes) {
  std::uint64_t sum = bytes.size();
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min(sizeof(word), bytes.size() - at));
    sum = (sum ^ word) * 0x9E3779B97F4A7C15u;
    sum ^= sum >> 29;
  }
  return fmt::format("{:016x}", sum);
}

std::string checksum(const std::filesystem::path& file) { return checksum_of(read_file(file)); }

void write_tensors(const std::filesystem::path& file,
                   const std::vector<std::pair<std::string, Tensor>>& tensors) {
  std::vector<NamedTensor> named_tensors;
  for (const auto& [name, tensor] : tensors) named_tensors.push_back(named(name, tensor));
  write_safetensors(file, named_tensors, {{"format", "pt"}});
}

void discard(const std::filesystem::path& directory) {
  std::filesystem::path aside = directory;
  aside += ".tmp-removed";  // so that a half deleted one is never taken for a checkpoint
  std::filesystem::remove_all(aside);
  std::filesystem::rename(directory, aside);
  std::filesystem::remove_all(aside);
}

RunState read_state(const std::filesystem::path& checkpoint) {
  const std::string where = (checkpoint / state_file).string();
  Json json = read_json(where);
  require(json_get<std::int64_t>(json, "format", where) == format, where, "is of another format than {}",
          format);
  const auto own = json_get<std::string>(json, own_checksum, where);
  json.erase(own_checksum);
  require(checksum_of(json.dump()) == own, where, "has other bytes than were written");
  RunState state{.step = json_get<std::int64_t>(json, "step", where),
                 .pipeline = json_get<Json>(json, "pipeline", where),
                 .config = json_get<Json>(json, "config", where),
                 .eval_loss = std::nullopt};
  if (json.contains("eval_loss")) state.eval_loss = json_get<double>(json, "eval_loss", where);
  for (const char* file : {trained_weights_file, optimizer_file}) {
    const auto expected = json_get<std::string>(json_get<Json>(json, "checksums", where), file, where);
    require(checksum(checkpoint / file) == expected, (checkpoint / file).string(),
            "has other bytes than were written");
  }
  return state;
}

void restore(Optimizer& optimizer, const std::filesystem::path& checkpoint, const RunState& state) {
  const SafetensorsFile weights = SafetensorsFile::open(checkpoint / trained_weights_file);
  const SafetensorsFile others = SafetensorsFile::open(checkpoint / optimizer_file);
  optimizer.restore(
      [&](const std::string& name) {
        return weights.contains(name) ? weights.tensor(name) : others.tensor(name);
      },
      state.step, checkpoint.string());
}

void check_identity(const Json& saved, const Json& wanted, const std::filesystem::path& checkpoint) {
  std::string changes;
  for (const auto& [key, value] : wanted.items()) {
    const Json before = saved.value(key, Json());
    if (before != value)
      changes +=
          fmt::format("{}{} was {}, is {}", changes.empty() ? "" : "; ", key, before.dump(), value.dump());
  }
  if (changes.empty()) return;
  throw UsageError(checkpoint.string(),
                   fmt::format("belongs to another run: {}; expected the same, or a new --out", changes));
}

struct Best {
  std::int64_t step = 0;
  double eval_loss = 0;
};

std::optional<Best> best_of(const std::vector<Saved>& saved) {
  std::optional<Best> best;
  for (const Saved& checkpoint : saved) {
    const Json json = Json::parse(read_file(checkpoint.path / state_file), nullptr, false);
    if (!json.is_object() || !json.contains("eval_loss") || !json["eval_loss"].is_number()) continue;
    const auto loss = json["eval_loss"].get<double>();
    if (!best || loss < best->eval_loss) best = {checkpoint.step, loss};
  }
  return best;
}

}  // namespace

Json run_identity(const RunConfig& config) {
  Json identity = Json::object();
  for (const ConfigKey& key : run_config_keys()) {
    if (key.alters) identity[key.name] = yaml_text(key_value(config, key));
  }
  return identity;
}

void save_trained_weights(const std::filesystem::path& file, const Optimizer& optimizer) {
  write_tensors(file, optimizer.trained());
}

std::filesystem::path save_checkpoint(const std::filesystem::path& out, const RunState& state,
                                      const Optimizer& optimizer) {
  const std::filesystem::path target = out / fmt::format("{}{}", prefix, state.step);
  if (std::filesystem::exists(target)) discard(target);  // one that could not be read
  StagedDirectory staged(target);
  save_trained_weights(staged.path() / trained_weights_file, optimizer);
  write_tensors(staged.path() / optimizer_file, optimizer.state());
  Json json = {{"format", format},
               {"step", state.step},
               {"config", state.config},
               {"pipeline", state.pipeline},
               {"checksums",
                {{trained_weights_file, checksum(staged.path() / trained_weights_file)},
                 {optimizer_file, checksum(staged.path() / optimizer_file)}}}};
  if (state.eval_loss) json["eval_loss"] = *state.eval_loss;
  json[own_checksum] = checksum_of(json.dump());
  write_file_atomically(staged.path() / state_file, json.dump(2) + "\n");
  staged.commit();
  return target;
}

void prune_checkpoints(const std::filesystem::path& out, std::int64_t keep_last, bool keep_best) {
  const std::vector<Saved> saved = saved_in(out);
  const std::optional<Best> best = keep_best ? best_of(saved) : std::nullopt;
  if (best) {
    write_file_atomically(out / "best.json", Json{{"checkpoint", fmt::format("{}{}", prefix, best->step)},
                                                  {"step", best->step},
                                                  {"eval_loss", best->eval_loss}}
                                                     .dump(2) +
                                                 "\n");
  }
  for (std::size_t i = static_cast<std::size_t>(keep_last); i < saved.size(); ++i) {
    if (!best || saved[i].step != best->step) discard(saved[i].path);
  }
}

void remove_leftovers(const std::filesystem::path& out) {
  std::vector<std::filesystem::path> leftovers;
  for (const auto& entry : std::filesystem::directory_iterator(out)) {
    if (entry.path().filename().string().find(".tmp-") != std::string::npos)
      leftovers.push_back(entry.path());
  }
  for (const std::filesystem::path& path : leftovers) std::filesystem::remove_all(path);
}

std::optional<RunState> resume_checkpoint(const std::filesystem::path& out, const Json& identity,
                                          Optimizer& optimizer,
                                          const std::function<void(const std::string&)>& log) {
  const std::vector<Saved> saved = saved_in(out);
  for (const Saved& checkpoint : saved) {
    try {
      RunState state = read_state(checkpoint.path);
      check_identity(state.config, identity, checkpoint.path);
      restore(optimizer, checkpoint.path, state);
      return state;
    } catch (const UsageError&) {
      throw;
    } catch (const Error& error) {
      log(fmt::format("checkpoint passed over: {}", error.what()));
    }
  }
  require(saved.empty(), out.string(), "none of the {} checkpoints can be read, expected one, or a new --out",
          saved.size());
  return std::nullopt;
}

}  // namespace artemis
