// Event files as TensorBoard reads them: records framed by length and masked CRC-32C, each an `Event` message
// of protocol buffers (tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto).
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace artemis {

// CRC-32C (Castagnoli), as iSCSI has it.
std::uint32_t crc32c(std::string_view bytes);

// The `Event` messages, without their frames. `wall_time` is in seconds since 1970.
std::string version_event(double wall_time);
std::string scalar_event(double wall_time, std::int64_t step, std::string_view tag, float value);
// A run starts (again) at this step: readers drop what earlier files hold from that step on.
std::string start_event(double wall_time, std::int64_t step);

// An event in its frame.
std::string event_record(std::string_view event);

double wall_time_now();

// Writes a new file of `directory`, which is made when absent, named
// events.out.tfevents.SECONDS.HOST.PID.COUNT; TensorBoard reads all such files of a folder as one run. Every
// failure is an Error naming the file.
class EventWriter {
 public:
  // `resumed_at`: the next step of a run that goes on.
  explicit EventWriter(const std::filesystem::path& directory, std::optional<std::int64_t> resumed_at = {},
                       double wall_time = wall_time_now());

  void add_scalar(std::string_view tag, std::int64_t step, double value, double wall_time = wall_time_now());
  // Until then values may wait in memory; closing flushes too.
  void flush();
  const std::filesystem::path& path() const { return path_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void open(const std::filesystem::path& directory, double wall_time);
  void write(const std::string& event);

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace artemis
