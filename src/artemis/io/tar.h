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

namespace artemis {

struct TarSample {
  std::string key;                           // the path up to the first dot of the file name
  std::map<std::string, std::string> parts;  // what follows that dot, and the bytes
};

class TarSamples {
 public:
  static constexpr std::int64_t default_member_bytes = std::int64_t{256} << 20;

  // .tar, or compressed by gzip. Throws Error naming the file.
  explicit TarSamples(std::filesystem::path file, std::int64_t max_member_bytes = default_member_bytes);
  ~TarSamples();
  TarSamples(const TarSamples&) = delete;
  TarSamples& operator=(const TarSamples&) = delete;

  // The next sample, or nothing at the end. Throws Error naming archive and member for a key that comes again
  // after others, a part that stands twice, a name that climbs out, a member over the limit or an archive
  // that breaks off; the next call goes on after it (after a break there is nothing more).
  std::optional<TarSample> next();

  // Back to the first sample.
  void rewind();

 private:
  struct Archive;
  struct Member;

  std::optional<Member> next_member();
  TarSample take_open_sample();

  std::filesystem::path file_;
  std::int64_t max_member_bytes_;
  std::unique_ptr<Archive> archive_;
  TarSample open_;  // the sample whose members are being read
  std::unordered_set<std::string> finished_keys_;
  bool ended_ = false;
};

// Writes a tar file, without times or owners, so that the same members give the same bytes.
class TarWriter {
 public:
  explicit TarWriter(const std::filesystem::path& file);
  ~TarWriter();
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;

  void append(const std::string& name, std::string_view bytes);
  // Ends the archive and puts it in place; without it there is no file.
  void close();

 private:
  struct Output;
  std::unique_ptr<Output> output_;
};

}  // namespace artemis
