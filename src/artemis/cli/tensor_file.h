// A safetensors file of results, as the probes write it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "artemis/core/tensor.h"
#include "artemis/model/batch.h"

namespace artemis {

class TensorFile {
 public:
  // The tensor's memory must last until write().
  void add(const std::string& name, const Tensor& tensor);
  void write(const std::filesystem::path& file) const;

 private:
  std::vector<std::pair<std::string, Tensor>> tensors_;
};

// i64 (images, 3).
Tensor grid_tensor(const PictureBatch& pictures);
// i64 (values).
Tensor id_tensor(const std::vector<std::int32_t>& values);

}  // namespace artemis
