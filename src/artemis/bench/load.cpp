#include <unistd.h>

#include <optional>

#include "artemis/bench/measure.h"
#include "artemis/bench/timing.h"
#include "artemis/bench/work.h"
#include "artemis/model/load.h"

namespace artemis::bench {
namespace {

// A folder that vanishes with what it holds.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::filesystem::path& below)
      : path_(below / fmt::format("artemis-bench-{}", getpid())) {
    std::error_code error;
    std::filesystem::create_directories(below, error);
    const bool made = !error && std::filesystem::create_directory(path_, error);
    require(made, path_.string(), "cannot be created: {}", error ? error.message() : "it exists already");
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct Stored {
  std::vector<WeightSpec> weights;
  std::int64_t largest = 0;  // elements of one weight
  double bytes = 0;          // of all
};

Stored stored_weights(const GraftConfig& config, DType dtype) {
  Stored stored;
  Graft shapes;
  for_each_weight(shapes, config, [&](const WeightSpec& spec, Tensor&) {
    stored.weights.push_back(spec);
    stored.largest = std::max(stored.largest, spec.shape.count());
    stored.bytes += static_cast<double>(spec.shape.count()) * static_cast<double>(dtype_size(dtype));
  });
  return stored;
}

// Of the model's weights as the checkpoint holds them, in whatever dtype.
double bytes_read(const CheckpointReader& checkpoint, const GraftConfig& config) {
  double bytes = 0;
  Graft shapes;
  for_each_weight(shapes, config, [&](const WeightSpec& spec, Tensor&) {
    bytes += static_cast<double>(checkpoint.entry(spec.name).bytes().size());
  });
  return bytes;
}

// Every weight is the start of the same random values.
void write_random(const Stored& stored, DType dtype, const std::filesystem::path& directory) {
  const double room = static_cast<double>(std::filesystem::space(directory).available);
  require(room > stored.bytes, directory.string(), "{:.0f} bytes are free, the checkpoint takes {:.0f}", room,
          stored.bytes);
  Context host(Device{}, 0);
  const Tensor values = random_tensor(host, dtype, {stored.largest}, 0.02f, 21);
  std::vector<NamedTensor> tensors;
  for (const WeightSpec& spec : stored.weights) {
    const auto extents = spec.shape.extents();
    const std::size_t bytes = static_cast<std::size_t>(spec.shape.count()) * dtype_size(dtype);
    tensors.push_back({spec.name,
                       std::string(stored_dtype_name(dtype)),
                       {extents.begin(), extents.end()},
                       {values.raw(), bytes}});
  }
  write_checkpoint(directory, tensors, default_shard_bytes, Durability::cached);
}

}  // namespace

Figures measure_load(const LoadSubject& subject, const std::filesystem::path& model_directory) {
  double seconds = 0;
  double bytes = 0;
  for (int turn = 0; turn < 2; ++turn) {
    std::optional<CheckpointReader> checkpoint;
    Graft model;
    seconds = seconds_of(subject.ctx, [&] {
      checkpoint = CheckpointReader::open(model_directory);
      model = load_graft(subject.ctx, *checkpoint, subject.config, subject.dtype);
    });
    bytes = bytes_read(*checkpoint, subject.config);
  }
  const double bound = subject.ceilings.upload > 0 ? bytes / (subject.ceilings.upload * 1e9) : 0;
  return {{"load_25gb_s", seconds, "s", bound, true}};
}

Figures measure_load_of_random(const LoadSubject& subject, const std::filesystem::path& directory) {
  const TemporaryDirectory temporary(directory);
  write_random(stored_weights(subject.config, subject.dtype), subject.dtype, temporary.path());
  return measure_load(subject, temporary.path());
}

}  // namespace artemis::bench
