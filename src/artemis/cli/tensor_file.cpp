#include "artemis/cli/tensor_file.h"

#include "artemis/io/safetensors.h"

namespace artemis {

void TensorFile::add(const std::string& name, const Tensor& tensor) {
  tensors_.emplace_back(name, tensor.to(Device{}));
}

void TensorFile::write(const std::filesystem::path& file) const {
  std::vector<NamedTensor> named_tensors;
  for (const auto& [name, tensor] : tensors_) named_tensors.push_back(named(name, tensor));
  write_safetensors(file, named_tensors, {});
}

Tensor grid_tensor(const PictureBatch& pictures) {
  Tensor grid = Tensor::allocate(DType::i64, {static_cast<std::int64_t>(pictures.grid_thw.size()), 3});
  std::int64_t* out = grid.mutable_data<std::int64_t>();
  for (const auto& extents : pictures.grid_thw) out = std::copy(extents.begin(), extents.end(), out);
  return grid;
}

Tensor id_tensor(const std::vector<std::int32_t>& values) {
  Tensor tensor = Tensor::allocate(DType::i64, {static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), tensor.mutable_data<std::int64_t>());
  return tensor;
}

}  // namespace artemis
