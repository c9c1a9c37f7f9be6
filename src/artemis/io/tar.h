// Tar shards in the form of webdataset: files of one KEY follow each other and make one sample.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "artemis/io/byte_source.h"

namespace artemis {

struct TarSample {
  std::string key;                           // the path up to the first dot of the file name
  std::map<std::string, std::string> parts;  // what follows that dot, in small letters, and the bytes
};

// A sample that was found: read() takes `offset`, that of its first header.
struct TarPlace {
  std::string key;
  std::int64_t offset = 0;
};

// Folders, links, files whose name begins with a dot and files without an extension are passed over. An
// archive without its closing zero blocks is taken as whole when it ends between two members. A compressed
// archive is unpacked into a temporary file first.
class TarSamples {
 public:
  static constexpr std::int64_t default_sample_bytes = std::int64_t{256} << 20;

  // .tar, or compressed by gzip. Throws Error naming the file.
  explicit TarSamples(const std::filesystem::path& file, std::int64_t max_sample_bytes = default_sample_bytes)
      : TarSamples(open_bytes(file.string()), max_sample_bytes) {}
  explicit TarSamples(std::shared_ptr<const ByteSource> source,
                      std::int64_t max_sample_bytes = default_sample_bytes);
  ~TarSamples();
  TarSamples(const TarSamples&) = delete;
  TarSamples& operator=(const TarSamples&) = delete;

  // The next sample by its headers alone, or nothing at the end. Throws Error naming archive and member, once
  // for each broken sample: a key that comes again after others, a part that stands twice, a name that climbs
  // out, more bytes than allowed, a damaged header, an archive that breaks off. The next call goes on after
  // that sample (where the archive breaks off, there is nothing more). Throws ReadError when the bytes cannot
  // be had.
  std::optional<TarPlace> find_next();
  // A sample that was found, from any thread.
  TarSample read(std::int64_t offset) const;
  // Both in one.
  std::optional<TarSample> next();

  // Back to the first sample.
  void rewind();

  // Samples behind us, broken ones included: where skip_to() of another reader comes to go on from here.
  std::int64_t position() const { return position_; }
  void skip_to(std::int64_t position);

 private:
  class Archive;
  struct Member;

  void unpack();
  std::string reason() const;
  std::optional<Member> find_member();
  std::string refusal(const Member& member, const std::string& name) const;
  void skip(Member& member);
  // Adds a member to the parts of its sample, which has `bytes` so far; what is wrong with it, or nothing.
  std::string add(std::unordered_set<std::string>& parts, std::int64_t& bytes, const Member& member) const;

  std::shared_ptr<const ByteSource> source_;
  std::string unpacking_fault_;  // why a compressed archive ends early
  std::int64_t max_sample_bytes_;
  std::unique_ptr<Archive> archive_;
  std::unique_ptr<Member> ahead_;  // the first member of the next sample
  std::string end_fault_;          // what is wrong after the last member
  std::unordered_set<std::string> finished_keys_;
  std::int64_t position_ = 0;
  bool ended_ = false;
};

// Writes a tar file, without times or owners, so that the same members give the same bytes.
class TarWriter {
 public:
  explicit TarWriter(const std::filesystem::path& file);
  ~TarWriter();
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;

  // `name` of at most 255 bytes.
  void append(const std::string& name, std::string_view bytes);
  // Ends the archive and puts it in place; without it there is no file.
  void close();

 private:
  struct Output;
  std::unique_ptr<Output> output_;
};

}  // namespace artemis
