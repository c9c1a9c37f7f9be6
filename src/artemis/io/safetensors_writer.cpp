#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_set>

#include "artemis/io/atomic_file.h"
#include "artemis/io/json.h"
#include "artemis/io/safetensors_header.h"

namespace artemis {
namespace {

// Wider dtypes first, so that every tensor is aligned to its own size; then by name.
std::vector<const NamedTensor*> in_file_order(std::span<const NamedTensor> tensors) {
  std::vector<std::pair<const StoredDType*, const NamedTensor*>> order;
  for (const NamedTensor& tensor : tensors) {
    order.emplace_back(find_stored_dtype(tensor.dtype_name), &tensor);
    ARTEMIS_ASSERT(order.back().first != nullptr);
  }
  std::ranges::sort(order, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second->name < b.second->name;
  });
  std::vector<const NamedTensor*> sorted;
  for (const auto& [dtype, tensor] : order) sorted.push_back(tensor);
  return sorted;
}

// JSON of a text from outside; throws Error for what is no UTF-8.
std::string quoted(const Json& value, std::string_view where) {
  try {
    return value.dump();
  } catch (const Json::exception& error) {
    fail(where, "a name or metadata cannot be written: {}", error.what());
  }
}

std::string header_of(std::span<const NamedTensor* const> tensors,
                      const std::map<std::string, std::string>& metadata, std::string_view where) {
  std::string text = "{";
  if (!metadata.empty()) text += "\"__metadata__\":" + quoted(metadata, where);
  std::uint64_t offset = 0;
  std::unordered_set<std::string_view> written = {"__metadata__"};
  for (const NamedTensor* tensor : tensors) {
    require(written.insert(tensor->name).second, where, "the name '{}' is written twice", tensor->name);
    const std::uint64_t end = offset + tensor->bytes.size();
    text += fmt::format(R"({}{}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                        text.size() > 1 ? "," : "", quoted(tensor->name, where), tensor->dtype_name,
                        fmt::join(tensor->shape, ","), offset, end);
    offset = end;
  }
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');
  require(text.size() <= max_safetensors_header_bytes, where, "the header would have {} bytes, at most {}",
          text.size(), max_safetensors_header_bytes);
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata, Durability durability) {
  const std::vector<const NamedTensor*> order = in_file_order(tensors);
  const std::string header = header_of(order, metadata, path.string());
  const std::uint64_t header_bytes = header.size();
  AtomicFile file(path);
  file.append(std::as_bytes(std::span(&header_bytes, 1)));
  file.append(header);
  for (const NamedTensor* tensor : order) file.append(tensor->bytes);
  file.commit(durability);
}

}  // namespace artemis
