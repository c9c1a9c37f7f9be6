// Bytes as model.safetensors.index.json beside two sound shards, a link out of the folder and one into it.
#include "io_common.h"

#include <array>

#include "artemis/core/error.h"
#include "artemis/io/checkpoint.h"

namespace artemis {
namespace {

// A model folder with everything but the index, and a sound file outside of it.
class Model {
 public:
  Model() {
    std::filesystem::create_directory(model());
    const std::array<float, 2> values = {1, 2};
    const auto bytes = std::as_bytes(std::span(values));
    const std::array<NamedTensor, 2> tensors = {NamedTensor{"a", "F32", {2}, bytes},
                                                NamedTensor{"b", "U8", {8}, bytes}};
    write_safetensors(folder_.path() / "outside", tensors, {});
    write_safetensors(model() / "1", tensors, {});
    write_safetensors(model() / "2", tensors, {});
    std::filesystem::create_symlink("../outside", model() / "out");
    std::filesystem::create_symlink("1", model() / "in");
  }

  std::filesystem::path model() const { return folder_.path() / "model"; }
  const FuzzFolder& folder() const { return folder_; }

 private:
  FuzzFolder folder_;
};

}  // namespace
}  // namespace artemis

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace artemis;
  static const Model model;
  model.folder().write("model/model.safetensors.index.json", data, size);
  try {
    const CheckpointReader reader = CheckpointReader::open(model.model());
    for (const std::string& name : reader.names()) ARTEMIS_ASSERT(reader.tensor(name).bytes() == 8);
  } catch (const Error&) {
    return 0;
  }
  return 0;
}
