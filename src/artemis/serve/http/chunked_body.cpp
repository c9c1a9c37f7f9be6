#include "artemis/serve/http/chunked_body.h"

#include <fmt/format.h>

#include <algorithm>

namespace artemis {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

}  // namespace

void ChunkedBody::refuse(int status, std::string message) { refusal_ = {status, std::move(message)}; }

std::size_t ChunkedBody::take(std::string_view bytes, std::string& body) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !complete() && refusal_.status == 0) {
    if (state_ == State::data) {
      const std::size_t count = std::min(left_, bytes.size() - taken);
      body.append(bytes, taken, count);
      taken += count;
      left_ -= count;
      if (left_ == 0) state_ = State::data_end;
    } else {
      take_of_line(bytes[taken++], body.size());
    }
  }
  return taken;
}

void ChunkedBody::take_of_line(char c, std::size_t body_bytes) {
  if (carriage_return_ != (c == '\n')) return refuse(400, "a line between chunks does not end in CR LF");
  if (c == '\n') return end_line(body_bytes);
  if (c == '\r') {
    carriage_return_ = true;
    return;
  }
  if (state_ == State::data_end) return refuse(400, "a chunk has more bytes than its size says");
  if (is_control(c)) return refuse(400, "a line between chunks has a control character");
  line_ += c;
  if (line_.size() > limits_.header_field)
    refuse(400, fmt::format("a line between chunks has over {} bytes", limits_.header_field));
}

void ChunkedBody::end_line(std::size_t body_bytes) {
  carriage_return_ = false;
  switch (state_) {
    case State::size:
      read_size(body_bytes);
      break;
    case State::data_end:
      state_ = State::size;
      break;
    case State::trailer:
      read_trailer();
      break;
    case State::data:
    case State::complete:
      break;  // have no lines
  }
  line_.clear();
}

void ChunkedBody::read_size(std::size_t body_bytes) {
  std::size_t size = 0;
  std::size_t at = 0;
  for (; at < line_.size() && hex_digit(line_[at]) >= 0; ++at) {
    size = size * 16 + static_cast<std::size_t>(hex_digit(line_[at]));
    if (size > limits_.body - body_bytes)
      return refuse(413, fmt::format("the body has over {} bytes", limits_.body));
  }
  const std::size_t extension = line_.find_first_not_of(" \t", at);
  const bool ends = at == line_.size() || (extension != std::string::npos && line_[extension] == ';');
  if (at == 0 || !ends) return refuse(400, "a chunk does not begin with its size");
  left_ = size;
  state_ = size == 0 ? State::trailer : State::data;
}

void ChunkedBody::read_trailer() {
  if (line_.empty()) {
    state_ = State::complete;
    return;
  }
  trailer_bytes_ += line_.size();
  const std::size_t colon = line_.find(':');
  const bool named =
      colon != std::string::npos && colon > 0 && line_.find_first_of(" \t\"(),/;<=>?@[\\]{}") >= colon;
  if (!named) return refuse(400, "a trailer behind the chunks has no name");
  if (++trailers_ > limits_.headers || trailer_bytes_ > limits_.header_bytes)
    refuse(400, "too many trailers behind the chunks");
}

}  // namespace artemis
