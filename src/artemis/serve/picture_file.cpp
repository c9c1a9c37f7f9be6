#include "artemis/serve/picture_file.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <span>

#include "artemis/core/error.h"
#include "artemis/io/base64.h"
#include "artemis/io/byte_source.h"
#include "artemis/serve/ascii.h"

namespace artemis {
namespace {

constexpr std::string_view scheme = "file:";
constexpr const char* not_from_here = "pictures may not be read from this place";

// The path of a URL on this machine, decoded. Throws Error for one that has none.
std::filesystem::path path_of(const std::string& url, std::string_view where) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
  char* text = nullptr;
  const bool sound = parsed != nullptr &&
                     curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) == CURLUE_OK &&
                     curl_url_get(parsed.get(), CURLUPART_PATH, &text, CURLU_URLDECODE) == CURLUE_OK;
  const std::unique_ptr<char, decltype(&curl_free)> owner(text, curl_free);
  require(sound, where, "the URL is malformed, expected file:///PATH");
  return std::filesystem::path(text).lexically_normal();
}

// What lies behind the folder in the path; empty for a path elsewhere.
std::filesystem::path behind(const std::filesystem::path& folder, const std::filesystem::path& path) {
  const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  std::filesystem::path left;
  if (end != folder.end()) return left;
  for (auto part = rest; part != path.end(); ++part) left /= *part;
  return left;
}

// A descriptor; -1, and errno, for none. The kernel follows the path, and refuses to leave the folder.
int open_beneath(const std::filesystem::path& folder, const std::filesystem::path& path) {
  const int base = open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (base < 0) return -1;
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;  // a pipe's other end is not waited for
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const auto file = static_cast<int>(syscall(SYS_openat2, base, path.c_str(), &how, sizeof how));
  const int why = errno;
  close(base);
  errno = why;
  return file;
}

}  // namespace

bool is_file_url(std::string_view url) { return same_ignoring_case(url.substr(0, scheme.size()), scheme); }

std::vector<std::filesystem::path> picture_folders(const std::vector<std::string>& folders) {
  std::vector<std::filesystem::path> found;
  for (const std::string& folder : folders) {
    std::error_code error;
    require(std::filesystem::is_directory(folder, error), folder, "is no folder");
    const std::filesystem::path path = std::filesystem::absolute(folder).lexically_normal();
    found.push_back(path.has_filename() ? path : path.parent_path());
  }
  return found;
}

std::string read_picture_file(std::string_view url, std::string_view where,
                              const std::vector<std::filesystem::path>& folders, std::size_t most_bytes) {
  const std::filesystem::path path = path_of(std::string(url), where);
  for (const std::filesystem::path& folder : folders) {
    const std::filesystem::path rest = behind(folder, path);
    if (rest.empty()) continue;
    const int descriptor = open_beneath(folder, rest);
    require(descriptor >= 0 || errno != EXDEV, where, not_from_here);
    require(descriptor >= 0 || errno != ENOSYS, where, "this system cannot keep to a folder");
    require(descriptor >= 0, where, "the picture's file cannot be read");
    const std::shared_ptr<const ByteSource> file = open_bytes(std::string(where), descriptor);
    if (file->size() > static_cast<std::int64_t>(most_bytes))
      throw TooLargeError(where, fmt::format("the picture has over {} bytes", most_bytes));
    std::string bytes(static_cast<std::size_t>(file->size()), '\0');
    file->read(0, std::as_writable_bytes(std::span(bytes)));
    return bytes;
  }
  throw Error(where, not_from_here);
}

}  // namespace artemis
