// A body in chunks (RFC 9112, 7.1), strictly: what it does not take, another server in front cannot take
// otherwise.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "artemis/serve/http_server.h"

namespace artemis {

struct HttpRefusal {
  int status = 0;  // 0: none
  std::string message;
};

// Ours, since Beast's takes a quoted line end in an extension for a part of it and counts such a chunk again
// with every piece that comes; it also asserts more of its input than a client keeps to.
class ChunkedBody {
 public:
  explicit ChunkedBody(const HttpLimits& limits) : limits_(limits) {}

  // Takes bytes of this body, appends what they carry, and returns how many they were; those behind its end
  // are left. Extensions and trailers are checked and dropped.
  std::size_t take(std::string_view bytes, std::string& body);

  bool complete() const { return state_ == State::complete; }
  const HttpRefusal& refusal() const { return refusal_; }

 private:
  enum class State { size, data, data_end, trailer, complete };

  void refuse(int status, std::string message);
  void take_of_line(char c, std::size_t body_bytes);
  void end_line(std::size_t body_bytes);
  void read_size(std::size_t body_bytes);
  void read_trailer();

  const HttpLimits limits_;
  State state_ = State::size;
  HttpRefusal refusal_;
  std::string line_;  // that is not data, without its end
  bool carriage_return_ = false;
  std::size_t left_ = 0;  // of the chunk
  std::size_t trailers_ = 0;
  std::size_t trailer_bytes_ = 0;
};

}  // namespace artemis
