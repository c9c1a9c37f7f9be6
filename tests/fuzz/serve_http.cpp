// The first byte says how the others are cut; they are requests, one behind the other. The cuts make no
// difference, and what is taken keeps to the limits.
#include <cstdint>
#include <string>
#include <string_view>

#include "artemis/core/error.h"
#include "artemis/serve/http/request_reader.h"

namespace {

using namespace artemis;
using State = RequestReader::State;

// All that is seen of the requests, as text.
std::string read(std::string_view bytes, std::size_t piece, const HttpLimits& limits) {
  std::string seen;
  while (!bytes.empty()) {
    RequestReader reader(limits);
    while (!bytes.empty() && (reader.state() == State::head || reader.state() == State::body)) {
      const std::size_t taken = reader.take(bytes.substr(0, piece));
      ARTEMIS_ASSERT(taken > 0);
      bytes.remove_prefix(taken);
    }
    ARTEMIS_ASSERT(reader.state() == State::refused || reader.body_bytes() <= limits.body);
    if (reader.state() == State::refused) {
      const int status = reader.refusal().status;
      ARTEMIS_ASSERT(status >= 400 && status <= 501 && !reader.refusal().message.empty());
      return seen + std::to_string(status);
    }
    if (reader.state() != State::complete) return seen + "unfinished";
    seen += reader.keep_alive() ? "k" : "c";
    seen += reader.chunked_answer() ? "1" : "0";
    const HttpRequest request = reader.take_request();
    ARTEMIS_ASSERT(request.headers.size() <= limits.headers && !request.method.empty());
    ARTEMIS_ASSERT(request.path == "*" || request.path.starts_with('/'));
    seen += request.method + " " + request.path + "?" + request.query + "\n";
    for (const auto& [name, value] : request.headers) seen += name + ":" + value + "\n";
    seen += request.body;
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  HttpLimits limits;
  limits.request_line = 64;
  limits.header_field = 64;
  limits.header_bytes = 512;
  limits.headers = 8;
  limits.body = 1000;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ARTEMIS_ASSERT(read(bytes, std::string_view::npos, limits) == read(bytes, data[0] % 16 + 1, limits));
  return 0;
}
