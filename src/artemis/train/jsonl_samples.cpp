#include "artemis/train/jsonl_samples.h"

#include "artemis/io/atomic_file.h"
#include "artemis/io/jsonl.h"
#include "artemis/train/row_json.h"

namespace artemis {
namespace {

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

class JsonlRows : public SampleSource {
 public:
  explicit JsonlRows(const std::filesystem::path& file) : file_(file), lines_(file) {}

  std::optional<Row> next() override {
    const std::optional<JsonlLine> line = lines_.next();
    if (!line) return std::nullopt;
    const std::string where = fmt::format("{}:{}", file_.filename().string(), line->number);
    require(line->value.is_object(), where, "is {}, expected an object", line->value.type_name());
    std::vector<PictureFile> pictures;
    for (const std::string& path : picture_paths(line->value, where)) {
      pictures.push_back({read_file(file_.parent_path() / path), path});
    }
    return row_from_json(where, line->value, std::move(pictures));
  }

  void rewind() override { lines_.rewind(); }

 private:
  std::filesystem::path file_;
  JsonlReader lines_;
};

}  // namespace

std::unique_ptr<SampleSource> open_jsonl_samples(const std::filesystem::path& file) {
  return std::make_unique<JsonlRows>(file);
}

}  // namespace artemis
