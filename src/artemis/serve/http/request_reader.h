// One HTTP request out of bytes as they come, within limits; no sockets here.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "artemis/serve/http/chunked_body.h"
#include "artemis/serve/http_server.h"

namespace artemis {

class RequestReader {
 public:
  enum class State {
    head,      // wants the request line and header fields
    body,      // has them; wants the body
    complete,  // has all
    refused,   // see refusal(); the connection cannot go on, since nobody knows where the next request begins
  };
  explicit RequestReader(const HttpLimits& limits);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  // Takes bytes of this request and returns how many they were; those behind it are left. How the bytes are
  // cut into calls makes no difference.
  std::size_t take(std::string_view bytes);

  State state() const;
  bool has_begun() const;  // a byte of the request line has come
  const HttpRefusal& refusal() const;
  std::size_t body_bytes() const;  // come so far

  // Of states `body` and `complete`.
  bool expects_continue() const;  // "100 Continue" is due before the body comes
  bool keep_alive() const;
  bool chunked_answer() const;  // HTTP/1.1; an older client takes a stream up to the connection's end
  const HttpRequest& head() const;

  // Once; of a request that is not complete, what is known of it: method and path with its first line.
  HttpRequest take_request();

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace artemis
