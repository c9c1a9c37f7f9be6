#include "artemis/io/parquet.h"

#ifdef ARTEMIS_WITH_PARQUET

#include <arrow/api.h>
#include <arrow/io/interfaces.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include <algorithm>
#include <array>
#include <exception>
#include <mutex>

namespace artemis {
namespace {

constexpr std::int64_t rows_at_once = 32;
constexpr std::array known_columns{"image", "images", "caption", "text", "messages"};

// A ByteSource for Arrow. Its failures are kept: Arrow passes them on as text alone.
class ArrowSource : public arrow::io::RandomAccessFile {
 public:
  explicit ArrowSource(std::shared_ptr<const ByteSource> source) : source_(std::move(source)) {}

  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<std::int64_t> Tell() const override { return at_; }
  arrow::Status Seek(std::int64_t position) override {
    at_ = position;
    return arrow::Status::OK();
  }
  arrow::Result<std::int64_t> GetSize() override { return source_->size(); }

  arrow::Result<std::int64_t> ReadAt(std::int64_t position, std::int64_t count, void* out) override {
    try {
      const std::span bytes(static_cast<std::byte*>(out), static_cast<std::size_t>(count));
      return static_cast<std::int64_t>(source_->read(position, bytes));
    } catch (const Error& error) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      return arrow::Status::IOError(error.what());
    }
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(std::int64_t position, std::int64_t count) override {
    const std::int64_t most = std::clamp<std::int64_t>(source_->size() - position, 0, count);
    ARROW_ASSIGN_OR_RAISE(std::unique_ptr<arrow::ResizableBuffer> buffer,
                          arrow::AllocateResizableBuffer(most));
    ARROW_ASSIGN_OR_RAISE(const std::int64_t got, ReadAt(position, most, buffer->mutable_data()));
    ARROW_RETURN_NOT_OK(buffer->Resize(got));
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }
  arrow::Result<std::int64_t> Read(std::int64_t count, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const std::int64_t got, ReadAt(at_, count, out));
    at_ += got;
    return got;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t count) override {
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer, ReadAt(at_, count));
    at_ += buffer->size();
    return buffer;
  }

  void rethrow_failure() {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  std::shared_ptr<const ByteSource> source_;
  std::int64_t at_ = 0;
  bool closed_ = false;
  std::mutex mutex_;
  std::exception_ptr failure_;
};

// Text or bytes at `row`.
std::string_view bytes_at(const arrow::Array& array, std::int64_t row, const std::string& where) {
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return static_cast<const arrow::BinaryArray&>(array).GetView(row);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return static_cast<const arrow::LargeBinaryArray&>(array).GetView(row);
    default:
      fail(where, "holds {}, expected text or bytes", array.type()->ToString());
  }
}

bool is_bytes(const arrow::Array& array) { return arrow::is_base_binary_like(array.type_id()); }

// The values of a list at `row`, as a piece of an array.
std::shared_ptr<arrow::Array> list_at(const arrow::Array& array, std::int64_t row, const std::string& where) {
  switch (array.type_id()) {
    case arrow::Type::LIST:
      return static_cast<const arrow::ListArray&>(array).value_slice(row);
    case arrow::Type::LARGE_LIST:
      return static_cast<const arrow::LargeListArray&>(array).value_slice(row);
    default:
      fail(where, "holds {}, expected a list", array.type()->ToString());
  }
}

// Structs, lists, text and truth values as JSON; members that are null are left out.
Json json_at(const arrow::Array& array, std::int64_t row, const std::string& where) {
  if (array.IsNull(row)) return nullptr;
  if (is_bytes(array)) return std::string(bytes_at(array, row, where));
  if (array.type_id() == arrow::Type::BOOL) return static_cast<const arrow::BooleanArray&>(array).Value(row);
  if (array.type_id() == arrow::Type::INT64) return static_cast<const arrow::Int64Array&>(array).Value(row);
  if (array.type_id() == arrow::Type::STRUCT) {
    const auto& members = static_cast<const arrow::StructArray&>(array);
    Json object = Json::object();
    for (int i = 0; i < members.num_fields(); ++i) {
      Json value = json_at(*members.field(i), row, where);
      if (!value.is_null()) object[members.struct_type()->field(i)->name()] = std::move(value);
    }
    return object;
  }
  const std::shared_ptr<arrow::Array> values = list_at(array, row, where);
  Json list = Json::array();
  for (std::int64_t i = 0; i < values->length(); ++i) list.push_back(json_at(*values, i, where));
  return list;
}

void add_picture(std::vector<ParquetPicture>& pictures, const arrow::Array& array, std::int64_t row,
                 const std::string& where) {
  if (array.IsNull(row)) return;
  if (is_bytes(array)) {
    pictures.push_back({.bytes = std::string(bytes_at(array, row, where)), .path = {}});
    return;
  }
  require(array.type_id() == arrow::Type::STRUCT, where,
          "a picture is {}, expected bytes or a struct of them", array.type()->ToString());
  const auto& members = static_cast<const arrow::StructArray&>(array);
  const std::shared_ptr<arrow::Array> bytes = members.GetFieldByName("bytes");
  require(bytes != nullptr && !bytes->IsNull(row), where, "a picture has no bytes");
  ParquetPicture picture{.bytes = std::string(bytes_at(*bytes, row, where)), .path = {}};
  const std::shared_ptr<arrow::Array> path = members.GetFieldByName("path");
  if (path != nullptr && !path->IsNull(row)) picture.path = bytes_at(*path, row, where);
  pictures.push_back(std::move(picture));
}

ParquetRow row_at(const arrow::RecordBatch& batch, std::int64_t row, const std::string& where) {
  const auto column = [&](const char* name) {
    std::shared_ptr<arrow::Array> found = batch.GetColumnByName(name);
    return found != nullptr && found->IsNull(row) ? nullptr : found;
  };
  ParquetRow result;
  if (const auto image = column("image")) add_picture(result.pictures, *image, row, where);
  if (const auto images = column("images")) {
    const std::shared_ptr<arrow::Array> list = list_at(*images, row, where);
    for (std::int64_t i = 0; i < list->length(); ++i) add_picture(result.pictures, *list, i, where);
  }
  for (const char* name : {"text", "caption"}) {
    if (const auto text = column(name)) result.caption = bytes_at(*text, row, where);
  }
  if (const auto messages = column("messages")) result.messages = json_at(*messages, row, where);
  return result;
}

}  // namespace

struct ParquetFile::Implementation {
  std::shared_ptr<const ByteSource> source;
  std::shared_ptr<ArrowSource> arrow_source;
  std::unique_ptr<parquet::arrow::FileReader> reader{};
  std::vector<int> columns{};
  std::vector<std::int64_t> group_begins{};  // the first row of each row group, and behind the last

  // Of the row group being read.
  std::unique_ptr<arrow::RecordBatchReader> batches{};
  std::shared_ptr<arrow::RecordBatch> batch{};
  std::int64_t batch_begin = 0;
  std::int64_t position = 0;

  explicit Implementation(std::shared_ptr<const ByteSource> bytes)
      : source(std::move(bytes)), arrow_source(std::make_shared<ArrowSource>(source)) {
    guarded([this] { open(); });
  }

  // Arrow's failures, by status or exception, as Errors naming the file.
  template <typename Work>
  void guarded(const Work& work) {
    std::string reason;
    try {
      work();
      return;
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      reason = error.what();
    }
    arrow_source->rethrow_failure();
    fail(source->name(), "cannot be read as Parquet: {}", reason);
  }

  static void check(const arrow::Status& status) {
    if (!status.ok()) throw std::runtime_error(status.ToStringWithoutContextLines());
  }

  void open() {
    parquet::arrow::FileReaderBuilder builder;
    check(builder.Open(arrow_source));
    parquet::ArrowReaderProperties properties(false);
    properties.set_batch_size(rows_at_once);
    properties.set_pre_buffer(false);
    check(builder.properties(properties)->Build(&reader));
    const parquet::FileMetaData& metadata = *reader->parquet_reader()->metadata();
    for (int i = 0; i < metadata.num_columns(); ++i) {
      const std::string name = metadata.schema()->Column(i)->path()->ToDotVector().front();
      if (std::ranges::find(known_columns, name) != known_columns.end()) columns.push_back(i);
    }
    require(!columns.empty(), source->name(), "has none of the columns {}", fmt::join(known_columns, ", "));
    group_begins.push_back(0);
    for (int i = 0; i < metadata.num_row_groups(); ++i)
      group_begins.push_back(group_begins.back() + metadata.RowGroup(i)->num_rows());
  }

  // Makes `batch` the one that holds the row.
  void go_to(std::int64_t row) {
    const auto group = std::ranges::upper_bound(group_begins, row) - group_begins.begin() - 1;
    const std::int64_t begin = group_begins[static_cast<std::size_t>(group)];
    const std::int64_t end = group_begins[static_cast<std::size_t>(group) + 1];
    if (!batches || row < batch_begin || batch_begin < begin || batch_begin >= end) {
      batch.reset();
      auto opened = reader->GetRecordBatchReader({static_cast<int>(group)}, columns);
      check(opened.status());
      batches = std::move(opened).ValueUnsafe();
      batch_begin = begin;
    }
    while (!batch || row >= batch_begin + batch->num_rows()) {
      if (batch) batch_begin += batch->num_rows();
      check(batches->ReadNext(&batch));
      if (!batch) throw std::runtime_error(fmt::format("the row group ends before row {}", row));
    }
  }

  ParquetRow read(std::int64_t row) {
    ParquetRow result;
    try {
      guarded([&] { go_to(row); });
    } catch (...) {
      batches.reset();
      throw;
    }
    position = row + 1;
    const std::string where = fmt::format("{}, row {}", source->name(), row);
    guarded([&] { result = row_at(*batch, row - batch_begin, where); });
    return result;
  }
};

bool ParquetFile::supported() { return true; }

ParquetFile::ParquetFile(std::shared_ptr<const ByteSource> source)
    : implementation_(std::make_unique<Implementation>(std::move(source))) {}

ParquetFile::~ParquetFile() = default;

std::int64_t ParquetFile::rows() const { return implementation_->group_begins.back(); }

std::int64_t ParquetFile::position() const { return implementation_->position; }

ParquetRow ParquetFile::read(std::int64_t index) {
  ARTEMIS_ASSERT(index >= 0 && index < rows());
  return implementation_->read(index);
}

}  // namespace artemis

#else

namespace artemis {

struct ParquetFile::Implementation {};

bool ParquetFile::supported() { return false; }

ParquetFile::ParquetFile(std::shared_ptr<const ByteSource> source) {
  fail(source->name(), "cannot be opened: this program was built without Apache Arrow, which reads Parquet");
}

ParquetFile::~ParquetFile() = default;

std::int64_t ParquetFile::rows() const { return 0; }

std::int64_t ParquetFile::position() const { return 0; }

ParquetRow ParquetFile::read(std::int64_t) { return {}; }

}  // namespace artemis

#endif
