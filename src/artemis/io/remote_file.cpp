#include "artemis/io/remote_file.h"

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <list>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace artemis {
namespace {

using Block = std::shared_ptr<const std::vector<std::byte>>;

// S3 asks for the SHA-256 of what a request carries, which is nothing.
constexpr const char* empty_body_hash =
    "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string s3_region() {
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (const std::string region = environment(name); !region.empty()) return region;
  }
  return "us-east-1";
}

// curl's own letters, as a path keeps them: all but those that mean something in an address.
std::string escaped_path(std::string_view path) {
  std::string text;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::strchr("-_.~/", c) != nullptr;
    text += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return text;
}

// What a request brought: the bytes of the range, and what the server said of the file.
struct Answer {
  long status = 0;
  std::vector<std::byte> body;
  std::size_t most = 0;    // bytes taken; more of them end the request
  std::int64_t size = -1;  // of the file, from Content-Range
  bool overflow = false;
};

std::size_t take_body(const char* bytes, std::size_t, std::size_t count, void* to) {
  auto& answer = *static_cast<Answer*>(to);
  if (answer.body.size() + count > answer.most) {
    answer.overflow = true;
    return 0;
  }
  const auto* begin = reinterpret_cast<const std::byte*>(bytes);
  answer.body.insert(answer.body.end(), begin, begin + count);
  return count;
}

// "Content-Range: bytes 0-9/1234".
std::size_t take_header(const char* bytes, std::size_t, std::size_t count, void* to) {
  auto& answer = *static_cast<Answer*>(to);
  constexpr std::string_view wanted = "content-range:";
  const std::string_view line(bytes, count);
  const bool matches = line.size() > wanted.size() &&
                       std::equal(wanted.begin(), wanted.end(), line.begin(), [](char a, char b) {
                         return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
                       });
  if (matches) {
    const std::size_t slash = line.find('/');
    if (slash != std::string_view::npos) {
      const std::string number(line.substr(slash + 1));
      char* end = nullptr;
      const long long size = std::strtoll(number.c_str(), &end, 10);
      if (end != number.c_str()) answer.size = size;
    }
  }
  return count;
}

// An address and how to ask for its ranges.
class Requests {
 public:
  Requests(std::string name, const RemoteOptions& options)
      : name_(std::move(name)), url_(name_.starts_with("s3://") ? s3_url(name_) : name_), options_(options) {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    require(ready == CURLE_OK, name_, "cannot be fetched: libcurl does not start");
  }

  // Bytes [offset, offset + count), or fewer at the end of the file; tried again as long as that may help.
  Answer range(std::int64_t offset, std::int64_t count) const {
    double pause = options_.first_pause;
    for (int attempt = 1;; ++attempt) {
      std::string fault;
      Answer answer = ask(offset, count, fault);
      if (fault.empty()) return answer;
      const bool again = answer.status == 0 || answer.status == 206 || answer.status == 408 ||
                         answer.status == 429 || answer.status >= 500;
      if (answer.status == 404 || answer.status == 410 || answer.status == 200)
        fail(name_, "cannot be fetched: {}", fault);
      if (!again || answer.overflow) throw ReadError(name_, "cannot be fetched: " + fault);
      if (attempt >= options_.attempts)
        throw ReadError(name_, fmt::format("cannot be fetched, {} attempts failed: {}", attempt, fault));
      std::this_thread::sleep_for(std::chrono::duration<double>(pause));
      pause *= 2;
    }
  }

 private:
  Answer ask(std::int64_t offset, std::int64_t count, std::string& fault) const {
    Answer answer;
    answer.most = static_cast<std::size_t>(count);
    // One handle a thread, so that connections are kept.
    thread_local const std::unique_ptr<CURL, void (*)(CURL*)> handle(curl_easy_init(), curl_easy_cleanup);
    CURL* curl = handle.get();
    require(curl != nullptr, name_, "cannot be fetched: libcurl gives no handle");
    curl_easy_reset(curl);
    char reason[CURL_ERROR_SIZE] = {};
    const std::string bytes = fmt::format("{}-{}", offset, offset + count - 1);
    curl_easy_setopt(curl, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_RANGE, bytes.c_str());
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(options_.stalled_seconds));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1024L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stalled_seconds));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer);
    const auto headers = sign(curl);
    const CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    fault = fault_of(answer, code, reason[0] != '\0' ? reason : curl_easy_strerror(code), count);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
    return answer;
  }

  // What is wrong with an answer, or nothing.
  static std::string fault_of(const Answer& answer, CURLcode code, const char* reason, std::int64_t count) {
    if (answer.status == 200) return "the server does not answer range requests";
    if (answer.status == 416 && answer.size == 0) return "";  // an empty file has no ranges
    if (answer.status != 0 && answer.status != 206)
      return fmt::format("the server answered {}", answer.status);
    if (answer.overflow) return fmt::format("the server sent more than the {} bytes asked for", count);
    if (code != CURLE_OK) return reason;
    if (answer.size < 0) return "the server does not say how large the file is";
    return "";
  }

  using Headers = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

  Headers sign(CURL* curl) const {
    const std::string key = environment("AWS_ACCESS_KEY_ID");
    const std::string secret = environment("AWS_SECRET_ACCESS_KEY");
    Headers headers(nullptr, curl_slist_free_all);
    if (!name_.starts_with("s3://") || key.empty() || secret.empty()) return headers;
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, fmt::format("aws:amz:{}:s3", s3_region()).c_str());
    curl_easy_setopt(curl, CURLOPT_USERNAME, key.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, secret.c_str());
    headers.reset(curl_slist_append(headers.release(), empty_body_hash));
    if (const std::string token = environment("AWS_SESSION_TOKEN"); !token.empty())
      headers.reset(curl_slist_append(headers.release(), ("x-amz-security-token: " + token).c_str()));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    return headers;
  }

  std::string name_;
  std::string url_;
  RemoteOptions options_;
};

// Fetched by blocks. Two threads that want the same block fetch it once.
class RemoteFile : public ByteSource {
 public:
  // `first` holds the first block.
  RemoteFile(const std::string& name, Requests requests, const RemoteOptions& options, Answer first)
      : ByteSource(name, first.size), requests_(std::move(requests)), options_(options) {
    if (size() > 0) blocks_.emplace_front(0, checked(std::move(first), 0));
  }

 private:
  void read_inside(std::int64_t offset, std::span<std::byte> bytes) const override {
    while (!bytes.empty()) {
      const std::int64_t index = offset / options_.block_bytes;
      const Block block = get(index);
      const auto begin = static_cast<std::size_t>(offset - index * options_.block_bytes);
      const std::size_t count = std::min(bytes.size(), block->size() - begin);
      std::memcpy(bytes.data(), block->data() + begin, count);
      bytes = bytes.subspan(count);
      offset += static_cast<std::int64_t>(count);
    }
  }

  // From the cache, or fetched.
  Block get(std::int64_t index) const {
    std::unique_lock lock(mutex_);
    for (;;) {
      const auto found = std::ranges::find(blocks_, index, &Blocks::value_type::first);
      if (found == blocks_.end()) break;
      if (found->second != nullptr) {
        blocks_.splice(blocks_.begin(), blocks_, found);
        return blocks_.front().second;
      }
      fetched_.wait(lock);
    }
    blocks_.emplace_front(index, nullptr);
    lock.unlock();
    Block block;
    std::exception_ptr failure;
    try {
      block = fetch(index);
    } catch (const Error&) {
      failure = std::current_exception();
    }
    lock.lock();
    const auto mine = std::ranges::find(blocks_, index, &Blocks::value_type::first);
    mine->second = block;
    if (failure) blocks_.erase(mine);
    forget_oldest();
    fetched_.notify_all();
    if (failure) std::rethrow_exception(failure);
    return block;
  }

  Block fetch(std::int64_t index) const {
    const std::int64_t begin = index * options_.block_bytes;
    return checked(requests_.range(begin, std::min(options_.block_bytes, size() - begin)), begin);
  }

  Block checked(Answer answer, std::int64_t begin) const {
    const std::int64_t count = std::min(options_.block_bytes, size() - begin);
    if (answer.size != size())
      throw ReadError(name(), fmt::format("has changed: it had {} bytes and has {}", size(), answer.size));
    if (answer.body.size() != static_cast<std::size_t>(count))
      throw ReadError(name(), fmt::format("cannot be fetched: {} bytes were asked for, {} came", count,
                                          answer.body.size()));
    return std::make_shared<std::vector<std::byte>>(std::move(answer.body));
  }

  void forget_oldest() const {
    const std::int64_t most = std::max<std::int64_t>(2, options_.cached_bytes / options_.block_bytes);
    for (auto at = blocks_.end();
         static_cast<std::int64_t>(blocks_.size()) > most && at != blocks_.begin();) {
      --at;
      if (at->second != nullptr) at = blocks_.erase(at);
    }
  }

  using Blocks = std::list<std::pair<std::int64_t, Block>>;

  Requests requests_;
  RemoteOptions options_;
  mutable std::mutex mutex_;
  mutable std::condition_variable fetched_;
  mutable Blocks blocks_;  // the last used first; without bytes while being fetched
};

}  // namespace

std::string s3_url(const std::string& address) {
  const std::string rest = address.substr(std::strlen("s3://"));
  const std::size_t slash = rest.find('/');
  require(slash != 0 && slash != std::string::npos && slash + 1 < rest.size(), address,
          "is no address of a file, expected s3://BUCKET/KEY");
  const std::string bucket = rest.substr(0, slash);
  const std::string key = escaped_path(rest.substr(slash + 1));
  std::string endpoint = environment("AWS_ENDPOINT_URL");
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (!endpoint.empty()) return fmt::format("{}/{}/{}", endpoint, bucket, key);
  return fmt::format("https://{}.s3.{}.amazonaws.com/{}", bucket, s3_region(), key);
}

std::shared_ptr<const ByteSource> open_remote(const std::string& address, const RemoteOptions& options) {
  Requests requests(address, options);
  Answer first = requests.range(0, options.block_bytes);
  return std::make_shared<RemoteFile>(address, std::move(requests), options, std::move(first));
}

}  // namespace artemis
