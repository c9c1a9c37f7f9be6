#include <archive.h>
#include <archive_entry.h>

#include <exception>

#include "artemis/core/error.h"
#include "artemis/io/atomic_file.h"
#include "artemis/io/tar.h"

namespace artemis {

struct TarWriter::Output {
  explicit Output(const std::filesystem::path& path)
      : file(path), where(path.string()), writer(archive_write_new()) {}
  ~Output() { archive_write_free(writer); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void check(bool holds) const {
    if (failure) std::rethrow_exception(failure);
    const char* reason = archive_error_string(writer);
    require(holds, where, "cannot be written: {}", reason == nullptr ? "unknown reason" : reason);
  }

  // libarchive's sink.
  static la_ssize_t write(archive*, void* self, const void* bytes, std::size_t count) {
    auto& output = *static_cast<Output*>(self);
    try {
      output.file.append(std::span(static_cast<const std::byte*>(bytes), count));
      return static_cast<la_ssize_t>(count);
    } catch (const Error&) {
      output.failure = std::current_exception();
      return -1;
    }
  }

  AtomicFile file;
  std::string where;
  archive* writer;
  std::exception_ptr failure;  // of `file`; an exception must not pass through libarchive
};

TarWriter::TarWriter(const std::filesystem::path& file) : output_(std::make_unique<Output>(file)) {
  archive_write_set_format_ustar(output_->writer);
  archive_write_set_options(output_->writer, "hdrcharset=BINARY");
  output_->check(archive_write_open(output_->writer, output_.get(), nullptr, Output::write, nullptr) ==
                 ARCHIVE_OK);
}

TarWriter::~TarWriter() = default;

void TarWriter::append(const std::string& name, std::string_view bytes) {
  const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                       archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  output_->check(archive_write_header(output_->writer, entry.get()) == ARCHIVE_OK);
  output_->check(archive_write_data(output_->writer, bytes.data(), bytes.size()) ==
                 static_cast<la_ssize_t>(bytes.size()));
}

void TarWriter::close() {
  output_->check(archive_write_close(output_->writer) == ARCHIVE_OK);
  output_->file.commit();
}

}  // namespace artemis
