#include "artemis/serve/http/answer.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "artemis/core/error.h"

namespace artemis {
namespace {

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Other";
  }
}

// RFC 9110, 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT", in English whatever the locale.
std::string date() {
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[utc.tm_wday], utc.tm_mday,
                     months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

bool has_body(int status) { return status != 204 && status != 304; }

// A line break that came with a request's data would make a field, or an answer, of its own.
void require_one_line(std::string_view text) {
  const bool clean = std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
  require(clean, "answer", "a header field has a control character: {}", text);
}

}  // namespace

std::string answer_head(int status, std::string_view content_type, const HttpHeaders& headers) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", status, reason(status), date());
  const auto add = [&head](std::string_view name, std::string_view value) {
    require_one_line(name);
    require_one_line(value);
    head += fmt::format("{}: {}\r\n", name, value);
  };
  if (!content_type.empty()) add("Content-Type", content_type);
  for (const auto& [name, value] : headers) add(name, value);
  return head;
}

HttpAnswer::HttpAnswer(HttpRequest request, Terms terms)
    : request_(std::move(request)), terms_(std::move(terms)) {}

std::string_view HttpAnswer::connection_field() const {
  if (!terms_.keep_alive) return "Connection: close\r\n";
  return terms_.chunked ? "" : "Connection: keep-alive\r\n";  // HTTP/1.0 has to be told
}

void HttpAnswer::append(std::string bytes) {
  unsent_ += bytes.size();
  bytes_.push_back(std::move(bytes));
  wake();
}

void HttpAnswer::wake() {
  if (!std::exchange(woken_, true)) terms_.wake();
}

void HttpAnswer::send_locked(int status, std::string_view content_type, std::string body,
                             const HttpHeaders& headers) {
  std::string head = answer_head(status, content_type, headers);
  if (has_body(status)) head += fmt::format("Content-Length: {}\r\n", body.size());
  head += fmt::format("{}\r\n", connection_field());
  begun_ = ended_ = true;
  append(std::move(head));
  if (has_body(status) && !terms_.head_only && !body.empty()) append(std::move(body));
}

void HttpAnswer::send(int status, std::string_view content_type, std::string body,
                      const HttpHeaders& headers) {
  std::function<void()> forgotten;  // what it holds may let go of more; not under the lock
  const std::lock_guard lock(mutex_);
  if (!open()) return;
  ARTEMIS_ASSERT(!begun_);
  send_locked(status, content_type, std::move(body), headers);
  forgotten.swap(hang_up_call_);
}

void HttpAnswer::begin(int status, std::string_view content_type, const HttpHeaders& headers) {
  const std::lock_guard lock(mutex_);
  if (!open()) return;
  ARTEMIS_ASSERT(!begun_);
  std::string head = answer_head(status, content_type, headers);
  if (terms_.chunked) {
    head += "Transfer-Encoding: chunked\r\n";
  } else {
    terms_.keep_alive = false;  // its end is the connection's
  }
  head += fmt::format("{}\r\n", connection_field());
  begun_ = true;
  append(std::move(head));
}

void HttpAnswer::write(std::string chunk) {
  const std::lock_guard lock(mutex_);
  if (!open()) return;
  ARTEMIS_ASSERT(begun_);
  if (chunk.empty() || terms_.head_only || broken_) return;  // an empty chunk would be the last
  if (unsent_ + chunk.size() > terms_.unsent_bytes) {
    broken_ = true;
    return wake();
  }
  append(terms_.chunked ? fmt::format("{:x}\r\n{}\r\n", chunk.size(), chunk) : std::move(chunk));
}

void HttpAnswer::end() {
  std::function<void()> forgotten;
  const std::lock_guard lock(mutex_);
  if (!open()) return;
  ARTEMIS_ASSERT(begun_);
  ended_ = true;
  forgotten.swap(hang_up_call_);
  if (terms_.chunked && !terms_.head_only) return append("0\r\n\r\n");
  wake();
}

void HttpAnswer::on_hang_up(std::function<void()> call) {
  {
    const std::lock_guard lock(mutex_);
    if (open()) {
      hang_up_call_.swap(call);
      return;
    }
    if (!std::exchange(gone_, false)) return;
  }
  call();
}

bool HttpAnswer::client_gone() const {
  const std::lock_guard lock(mutex_);
  return !attached_;
}

void HttpAnswer::abandon() {
  std::function<void()> forgotten;
  const std::lock_guard lock(mutex_);
  if (!open()) return;
  if (!begun_) {
    send_locked(500, "application/json", terms_.error_body(500, "internal error"), {});
    forgotten.swap(hang_up_call_);
  } else {
    broken_ = true;
    wake();
  }
}

HttpAnswer::Work HttpAnswer::take_work(bool can_send) {
  const std::lock_guard lock(mutex_);
  woken_ = false;
  Work work{{}, ended_, broken_};
  if (can_send) work.bytes.swap(bytes_);
  return work;
}

void HttpAnswer::sent(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  unsent_ -= bytes;
}

bool HttpAnswer::keep_alive() const {
  const std::lock_guard lock(mutex_);
  return terms_.keep_alive;
}

void HttpAnswer::close_afterwards() {
  const std::lock_guard lock(mutex_);
  terms_.keep_alive = false;
}

void HttpAnswer::release() {
  const std::lock_guard lock(mutex_);
  attached_ = false;
  terms_.wake = nullptr;
  bytes_.clear();
}

bool HttpAnswer::hang_up() {
  std::function<void()> call;
  {
    const std::lock_guard lock(mutex_);
    if (!open()) return false;
    gone_ = !hang_up_call_;
    call.swap(hang_up_call_);
    attached_ = false;
    terms_.wake = nullptr;
    bytes_.clear();
  }
  if (call) call();
  return true;
}

}  // namespace artemis
