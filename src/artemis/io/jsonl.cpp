#include "artemis/io/jsonl.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "artemis/core/error.h"

namespace artemis {
namespace {

constexpr std::size_t block_size = std::size_t{1} << 18;

bool is_blank(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) {
    return byte == std::byte{' '} || byte == std::byte{'\t'} || byte == std::byte{'\r'};
  });
}

// The bytes before the line's end among these, and whether it is among them.
std::pair<std::span<const std::byte>, bool> up_to_line_end(std::span<const std::byte> bytes) {
  const void* end = std::memchr(bytes.data(), '\n', bytes.size());
  if (end == nullptr) return {bytes, false};
  return {bytes.first(static_cast<std::size_t>(static_cast<const std::byte*>(end) - bytes.data())), true};
}

}  // namespace

JsonlReader::JsonlReader(std::shared_ptr<const ByteSource> source, std::size_t max_line_bytes)
    : source_(std::move(source)), max_line_bytes_(max_line_bytes), block_(block_size) {}

void JsonlReader::rewind() {
  offset_ = 0;
  number_ = 0;
}

std::span<const std::byte> JsonlReader::ahead() {
  const std::int64_t end = block_offset_ + static_cast<std::int64_t>(block_bytes_);
  if (offset_ < block_offset_ || offset_ >= end) {
    block_offset_ = offset_;
    block_bytes_ = source_->read(offset_, block_);
  }
  return std::span<const std::byte>(block_)
      .first(block_bytes_)
      .subspan(static_cast<std::size_t>(offset_ - block_offset_));
}

std::optional<JsonlPlace> JsonlReader::find_next() {
  while (!ahead().empty()) {
    const JsonlPlace place{.number = ++number_, .offset = offset_};
    bool blank = true;
    for (bool ended = false; !ended;) {
      const std::span<const std::byte> bytes = ahead();
      if (bytes.empty()) break;
      const auto [part, has_end] = up_to_line_end(bytes);
      blank = blank && is_blank(part);
      ended = has_end;
      offset_ += static_cast<std::int64_t>(part.size()) + (ended ? 1 : 0);
    }
    if (!blank) return place;
  }
  return std::nullopt;
}

Json JsonlReader::read(const JsonlPlace& place) const {
  const std::string where = fmt::format("{}, line {}", source_->name(), place.number);
  std::string line;
  std::vector<std::byte> block(std::size_t{1} << 12);
  for (bool ended = false; !ended;) {
    const std::size_t got = source_->read(place.offset + static_cast<std::int64_t>(line.size()), block);
    if (got == 0) break;
    const auto [part, has_end] = up_to_line_end(std::span(block).first(got));
    line.append(reinterpret_cast<const char*>(part.data()), part.size());
    ended = has_end;
    require(line.size() <= max_line_bytes_, where, "is longer than {} bytes", max_line_bytes_);
    block.resize(std::min(block_size, 2 * block.size()));
  }
  return parse_json(line, where);
}

std::optional<JsonlLine> JsonlReader::next() {
  const std::optional<JsonlPlace> place = find_next();
  if (!place) return std::nullopt;
  return JsonlLine{.value = read(*place), .number = place->number};
}

}  // namespace artemis
