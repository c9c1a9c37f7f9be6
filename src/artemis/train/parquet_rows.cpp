#include "artemis/io/parquet.h"

#include <map>
#include <mutex>
#include <set>
#include <variant>

#include "artemis/train/row_file.h"
#include "artemis/train/row_json.h"

namespace artemis {
namespace {

// Rows of a Parquet file are read in their order only, so those that were found and are passed on the way to
// another are kept until they are asked for.
class ParquetRows : public RowFile {
 public:
  explicit ParquetRows(const std::string& address)
      : name_(file_name(address)), file_(open_bytes(address)), rows_(file_.rows()) {}

  void expect(const RowPlace& place) override {
    require(place.number >= 0 && place.number < rows_, name_, "has {} rows, expected one of number {}", rows_,
            place.number);
    const std::lock_guard lock(mutex_);
    expected_.insert(place.number);
  }

  void forget(const RowPlace& place) override {
    const std::lock_guard lock(mutex_);
    expected_.erase(place.number);
    kept_.erase(place.number);
  }

  Row read(const RowPlace& place) override {
    Kept kept;
    {
      const std::lock_guard lock(mutex_);
      while (!kept_.contains(place.number)) read_one(place.number);
      kept = std::move(kept_.extract(place.number).mapped());
    }
    if (const Error* error = std::get_if<Error>(&kept)) throw *error;
    return to_row(std::get<ParquetRow>(std::move(kept)), place.number);
  }

 private:
  using Kept = std::variant<ParquetRow, Error>;

  std::optional<RowPlace> find() override {
    const std::int64_t row = position() - 1;
    if (row >= rows_) return std::nullopt;
    const RowPlace place{.number = row, .offset = 0};
    expect(place);
    return place;
  }

  // Reads one expected row, on the way to the wanted one.
  void read_one(std::int64_t wanted) {
    const bool behind = wanted < file_.position();
    const auto next = behind ? expected_.begin() : expected_.lower_bound(file_.position());
    ARTEMIS_ASSERT(next != expected_.end());
    const std::int64_t row = *next;
    try {
      kept_.emplace(row, file_.read(row));
    } catch (const ReadError&) {
      throw;
    } catch (const Error& error) {
      kept_.emplace(row, error);
    }
    expected_.erase(next);
  }

  Row to_row(ParquetRow row, std::int64_t number) const {
    const std::string where = fmt::format("{}:{}", name_, number);
    std::vector<PictureFile> pictures;
    for (ParquetPicture& picture : row.pictures) {
      pictures.push_back({std::move(picture.bytes), picture.path.empty() ? where : picture.path});
    }
    Json json = Json::object();
    if (row.messages) {
      json["messages"] = std::move(*row.messages);
    } else {
      require(row.caption.has_value(), where, "has neither messages nor a caption");
      json["caption"] = trimmed(*row.caption);
    }
    return row_from_json(where, json, std::move(pictures));
  }

  std::string name_;
  std::mutex mutex_;
  ParquetFile file_;
  std::int64_t rows_;
  std::set<std::int64_t> expected_;  // rows that were found and not yet read from the file
  std::map<std::int64_t, Kept> kept_;
};

}  // namespace

std::unique_ptr<RowFile> open_parquet_rows(const std::string& address) {
  return std::make_unique<ParquetRows>(address);
}

}  // namespace artemis
