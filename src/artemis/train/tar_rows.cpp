#include "artemis/io/tar.h"
#include "artemis/train/row_file.h"
#include "artemis/train/row_json.h"

namespace artemis {
namespace {

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

class TarRows : public RowFile {
 public:
  explicit TarRows(const std::string& address) : name_(file_name(address)), samples_(open_bytes(address)) {}

  Row read(const RowPlace& place) override {
    TarSample sample = samples_.read(place.offset);
    const std::string where = name_ + "/" + sample.key;
    return to_row(std::move(sample), where);
  }

 private:
  std::optional<RowPlace> find() override {
    const std::optional<TarPlace> place = samples_.find_next();
    if (!place) return std::nullopt;
    return RowPlace{.number = samples_.position() - 1, .offset = place->offset};
  }

  std::string name_;
  TarSamples samples_;
};

}  // namespace

std::unique_ptr<RowFile> open_tar_rows(const std::string& address) {
  return std::make_unique<TarRows>(address);
}

}  // namespace artemis
