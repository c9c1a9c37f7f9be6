#include "artemis/report/tensorboard.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "artemis/core/error.h"

namespace artemis {
namespace {

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  constexpr std::uint32_t reversed_polynomial = 0x82F63B78;
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? reversed_polynomial : 0);
    table[byte] = crc;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> crc_table = make_crc_table();

// TFRecord's mask: a CRC of bytes that themselves hold CRCs would be weak.
std::uint32_t masked_crc(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xA282EAD8; }

template <typename Unsigned>
std::string little_endian(Unsigned value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(value); ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xFF);
  return bytes;
}

// Fields of a protocol buffer message.
enum class Wire : std::uint64_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void append_key(std::string& out, std::uint64_t field, Wire wire) {
  append_varint(out, field << 3 | static_cast<std::uint64_t>(wire));
}

void append_bytes(std::string& out, std::uint64_t field, std::string_view bytes) {
  append_key(out, field, Wire::bytes);
  append_varint(out, bytes.size());
  out += bytes;
}

// What all events begin with; zeros are left out, as protocol buffers of version 3 do.
std::string begin_event(double wall_time, std::int64_t step) {
  std::string event;
  append_key(event, 1, Wire::fixed64);
  event += little_endian(std::bit_cast<std::uint64_t>(wall_time));
  if (step != 0) {
    append_key(event, 2, Wire::varint);
    append_varint(event, static_cast<std::uint64_t>(step));
  }
  return event;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char byte : bytes) crc = (crc >> 8) ^ crc_table[(crc ^ static_cast<unsigned char>(byte)) & 0xFF];
  return ~crc;
}

std::string version_event(double wall_time) {
  std::string event = begin_event(wall_time, 0);
  append_bytes(event, 3, "brain.Event:2");
  return event;
}

std::string scalar_event(double wall_time, std::int64_t step, std::string_view tag, float value) {
  std::string scalar;
  append_bytes(scalar, 1, tag);
  append_key(scalar, 2, Wire::fixed32);
  scalar += little_endian(std::bit_cast<std::uint32_t>(value));
  std::string summary;
  append_bytes(summary, 1, scalar);
  std::string event = begin_event(wall_time, step);
  append_bytes(event, 5, summary);
  return event;
}

std::string start_event(double wall_time, std::int64_t step) {
  std::string session;
  append_key(session, 1, Wire::varint);
  append_varint(session, 1);  // SessionLog.START
  std::string event = begin_event(wall_time, step);
  append_bytes(event, 7, session);
  return event;
}

std::string event_record(std::string_view event) {
  const std::string length = little_endian(std::uint64_t{event.size()});
  std::string record = length + little_endian(masked_crc(length));
  record += event;
  return record + little_endian(masked_crc(event));
}

double wall_time_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

EventWriter::EventWriter(const std::filesystem::path& directory, std::optional<std::int64_t> resumed_at,
                         double wall_time) {
  open(directory, wall_time);
  write(version_event(wall_time));
  if (resumed_at) write(start_event(wall_time, *resumed_at));
  flush();
}

void EventWriter::open(const std::filesystem::path& directory, double wall_time) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  require(!error, directory.string(), "cannot be made: {}", error.message());
  const std::string name = fmt::format("events.out.tfevents.{:010}.{}.{}.",
                                       static_cast<std::int64_t>(wall_time), host_name(), getpid());
  for (int count = 0; file_ == nullptr; ++count) {
    path_ = directory / (name + std::to_string(count));
    file_.reset(std::fopen(path_.c_str(), "wbx"));
    require(file_ != nullptr || errno == EEXIST, path_.string(), "cannot be written: {}",
            std::strerror(errno));
  }
}

void EventWriter::add_scalar(std::string_view tag, std::int64_t step, double value, double wall_time) {
  write(scalar_event(wall_time, step, tag, static_cast<float>(value)));
}

void EventWriter::write(const std::string& event) {
  const std::string record = event_record(event);
  require(std::fwrite(record.data(), 1, record.size(), file_.get()) == record.size(), path_.string(),
          "cannot be written: {}", std::strerror(errno));
}

void EventWriter::flush() {
  require(std::fflush(file_.get()) == 0, path_.string(), "cannot be written: {}", std::strerror(errno));
}

}  // namespace artemis
