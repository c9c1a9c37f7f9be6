#include "artemis/serve/api_error.h"

#include "artemis/io/json.h"

namespace artemis {
namespace {

const char* type_of(int status) {
  if (status == 401) return "authentication_error";
  if (status == 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

}  // namespace

ApiError::ApiError(int status, std::string_view message, std::string param, std::string code)
    : Error("request", message), status_(status), param_(std::move(param)), code_(std::move(code)) {}

std::string ApiError::body() const {
  const Json json = {{"error",
                      {{"message", message_without_place(*this)},
                       {"type", type_of(status_)},
                       {"param", text_or_null(param_)},
                       {"code", text_or_null(code_)}}}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string message_without_place(const Error& error) {
  const std::string_view text = error.what();
  const std::size_t end = text.find("] ");
  return std::string(text.starts_with('[') && end != text.npos ? text.substr(end + 2) : text);
}

ApiError refused_request(const Error& error, std::string param, std::string code) {
  return {400, message_without_place(error), std::move(param), std::move(code)};
}

}  // namespace artemis
