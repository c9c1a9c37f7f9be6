// Regular expressions as the reference reads them (Oniguruma's syntax), matched by PCRE2 in Unicode mode;
// compiled once and used by many threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace artemis {

// A stretch of text, as bytes.
struct TextRange {
  std::size_t begin = 0;
  std::size_t end = 0;

  std::size_t size() const { return end - begin; }
};

class Regex {
 public:
  // Throws Error naming `where` and the place of the fault, or what of Oniguruma's syntax is not supported.
  Regex(const std::string& pattern, std::string_view where);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  // Calls visit(TextRange) for each match in valid UTF-8 text, from left to right, none overlapping; an empty
  // match right behind another is passed over. Throws Error when the text takes too many steps.
  template <typename Visit>
  void for_each_match(std::string_view text, const Visit& visit) const;

 private:
  struct Compiled;

  // The text with stand-ins (see unicode.h), in this thread's buffer when it needs one.
  static std::string_view prepare(std::string_view text);
  // The first match that begins at `at` or behind.
  std::optional<TextRange> find(std::string_view text, std::size_t at) const;

  std::unique_ptr<Compiled> compiled_;
};

// Every match replaced by `content` as it stands.
std::string regex_replace(std::string_view text, const Regex& regex, std::string_view content);

// The pattern that matches exactly this text.
std::string quote_regex(std::string_view text);

template <typename Visit>
void Regex::for_each_match(std::string_view text, const Visit& visit) const {
  const std::string_view prepared = prepare(text);
  std::optional<std::size_t> last;
  for (std::size_t at = 0; at <= text.size();) {
    const std::optional<TextRange> match = find(prepared, at);
    if (!match) return;
    if (match->size() == 0 && match->end == last) {
      for (++at; at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;) ++at;
      continue;
    }
    at = match->end;
    last = at;
    visit(*match);
  }
}

}  // namespace artemis
