// What a client is told when its request cannot be answered, in the form of OpenAI's API.
#pragma once

#include <string>
#include <string_view>

#include "artemis/core/error.h"

namespace artemis {

inline constexpr int client_gone = 499;  // no status of HTTP: none was sent

// `param`: the place in the request, "messages[0].content", say; "" for none. `code`: a word for programs, ""
// for none.
class ApiError : public Error {
 public:
  ApiError(int status, std::string_view message, std::string param = "", std::string code = "");

  int status() const { return status_; }
  const std::string& param() const { return param_; }
  const std::string& code() const { return code_; }
  // {"error": {"message", "type", "param", "code"}}
  std::string body() const;

 private:
  int status_;
  std::string param_, code_;
};

// The message of an Error without the place before it, which may name a file of this machine.
std::string message_without_place(const Error& error);

// A 400 with the message of another error, for what a request brought about.
ApiError refused_request(const Error& error, std::string param = "", std::string code = "");

}  // namespace artemis
