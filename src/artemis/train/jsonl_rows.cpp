#include <filesystem>

#include "artemis/io/jsonl.h"
#include "artemis/train/row_file.h"
#include "artemis/train/row_json.h"

namespace artemis {
namespace {

constexpr std::int64_t max_picture_bytes = std::int64_t{256} << 20;

// The paths under "image" or "images": absent, null, one string or a list of them.
std::vector<std::string> picture_paths(const Json& json, const std::string& where) {
  std::vector<std::string> paths;
  for (const char* key : {"image", "images"}) {
    if (!json.contains(key) || json[key].is_null()) continue;
    const Json list = json[key].is_array() ? json[key] : Json::array({json[key]});
    for (const Json& path : list) {
      require(path.is_string(), where, "key '{}' holds {}, expected the path of a picture", key,
              path.type_name());
      paths.push_back(path.get<std::string>());
    }
  }
  return paths;
}

// The address of what a file calls by a path beside it.
std::string beside(const std::string& address, const std::string& path) {
  if (is_remote(path)) return path;
  if (is_remote(address)) return address.substr(0, address.rfind('/', address.find('?')) + 1) + path;
  return (std::filesystem::path(address).parent_path() / path).string();
}

class JsonlRows : public RowFile {
 public:
  explicit JsonlRows(const std::string& address) : address_(address), lines_(open_bytes(address)) {}

  Row read(const RowPlace& place) override {
    const std::string where = fmt::format("{}:{}", file_name(address_), place.number);
    const Json json = lines_.read({.number = place.number, .offset = place.offset});
    require(json.is_object(), where, "is {}, expected an object", json.type_name());
    std::vector<PictureFile> pictures;
    for (const std::string& path : picture_paths(json, where)) {
      pictures.push_back({read_all(*open_bytes(beside(address_, path)), max_picture_bytes), path});
    }
    return row_from_json(where, json, std::move(pictures));
  }

 private:
  std::optional<RowPlace> find() override {
    const std::optional<JsonlPlace> place = lines_.find_next();
    if (!place) return std::nullopt;
    return RowPlace{.number = place->number, .offset = place->offset};
  }

  std::string address_;
  JsonlReader lines_;
};

}  // namespace

std::unique_ptr<RowFile> open_jsonl_rows(const std::string& address) {
  return std::make_unique<JsonlRows>(address);
}

}  // namespace artemis
