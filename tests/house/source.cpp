#include "source.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace artemis::house {
namespace {

bool is_source(const std::filesystem::path& path) {
  static constexpr std::array extensions{".h", ".cpp", ".cu", ".cuh", ".inc", ".py", ".sh", ".cmake"};
  return path.filename() == "CMakeLists.txt" ||
         std::find(extensions.begin(), extensions.end(), path.extension()) != extensions.end();
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream || !text) throw std::runtime_error("cannot read " + path.string());
  return text.str();
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// Walks over C++ text token by token, blanking what is not code.
class Blanker {
 public:
  explicit Blanker(std::string_view text) : in_(text), out_(text) {}

  std::string run() {
    while (at_ < in_.size()) step();
    return std::move(out_);
  }

 private:
  void step() {
    const std::string_view rest = in_.substr(at_);
    if (rest.starts_with("//")) {
      blank(at_, find("\n", at_));
    } else if (rest.starts_with("/*")) {
      blank(at_, find("*/", at_ + 2) + 2);
    } else if (rest[0] == '"' || rest[0] == '\'') {
      literal(rest[0]);
    } else if (is_digit(rest[0])) {
      skip_while([](char c) { return is_word(c) || c == '.' || c == '\''; });  // 1'000 is no literal
    } else if (is_word(rest[0])) {
      const std::size_t begin = at_;
      skip_while(is_word);
      if (in_.substr(begin, at_ - begin).ends_with('R') && in_.substr(at_).starts_with('"')) raw_string();
    } else {
      ++at_;
    }
  }

  template <typename Predicate>
  void skip_while(Predicate predicate) {
    while (at_ < in_.size() && predicate(in_[at_])) ++at_;
  }

  void literal(char quote) {
    std::size_t end = at_ + 1;
    while (end < in_.size() && in_[end] != quote && in_[end] != '\n') end += in_[end] == '\\' ? 2u : 1u;
    blank(at_ + 1, end);
    at_ = std::min(end + 1, in_.size());
  }

  void raw_string() {
    const std::size_t open = find("(", at_);
    const std::string close = ")" + std::string(in_.substr(at_ + 1, open - at_ - 1)) + "\"";
    blank(at_ + 1, find(close, open) + close.size() - 1);
    at_ = std::min(at_ + 1, in_.size());
  }

  std::size_t find(std::string_view what, std::size_t from) const {
    return std::min(in_.find(what, from), in_.size());
  }

  // Blanks [begin, end) and stands at its end.
  void blank(std::size_t begin, std::size_t end) {
    end = std::min(end, in_.size());
    for (std::size_t i = begin; i < end; ++i) {
      if (out_[i] != '\n') out_[i] = ' ';
    }
    at_ = end;
  }

  std::string_view in_;
  std::string out_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<SourceFile> read_sources(const std::filesystem::path& root,
                                     const std::vector<std::string>& folders) {
  std::vector<SourceFile> files;
  for (const std::string& folder : folders) {
    if (!std::filesystem::exists(root / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      if (!entry.is_regular_file() || !is_source(entry.path())) continue;
      files.push_back({entry.path().lexically_relative(root).generic_string(), read_text(entry.path())});
    }
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

std::string blank_comments_and_literals(std::string_view text) { return Blanker(text).run(); }

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace artemis::house
