#include "artemis/train/tar_samples.h"

#include "artemis/io/tar.h"
#include "artemis/train/row_json.h"

namespace artemis {
namespace {

// A webdataset sample as a row: pictures KEY.jpg|jpeg|png|webp (several as KEY.0.jpg, KEY.1.jpg, ...), text
// KEY.txt (a caption) or KEY.json.
Row to_row(TarSample sample, const std::string& where) {
  std::vector<PictureFile> pictures;
  std::optional<std::string> caption;
  std::optional<Json> json;
  for (auto& [part, bytes] : sample.parts) {
    const std::string name = where + "." + part;
    const std::string type = part.substr(part.rfind('.') + 1);
    if (is_picture_type(type)) {
      pictures.push_back({std::move(bytes), name});
    } else if (part == "txt") {
      caption = std::move(bytes);
    } else if (part == "json") {
      json = parse_json(bytes, name);
    }
  }
  require(caption || json, where, "has neither a .txt nor a .json part");
  if (!json) json = Json{{"caption", trimmed(*caption)}};
  return row_from_json(where, *json, std::move(pictures));
}

class TarRows : public SampleSource {
 public:
  explicit TarRows(const std::filesystem::path& file) : name_(file.filename().string()), samples_(file) {}

  std::optional<Row> next() override {
    std::optional<TarSample> sample = samples_.next();
    if (!sample) return std::nullopt;
    const std::string where = name_ + "/" + sample->key;
    return to_row(std::move(*sample), where);
  }

  void rewind() override { samples_.rewind(); }

 private:
  std::string name_;
  TarSamples samples_;
};

}  // namespace

std::unique_ptr<SampleSource> open_tar_samples(const std::filesystem::path& file) {
  return std::make_unique<TarRows>(file);
}

}  // namespace artemis
