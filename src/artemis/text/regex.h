// Regular expressions by PCRE2, in Unicode mode, compiled once and matched by many threads.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace artemis {

class Regex {
 public:
  // Throws Error naming `where` and the place of the fault.
  Regex(const std::string& pattern, std::string_view where);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  // Calls visit(begin, end) for each match in valid UTF-8 text, from left to right, none overlapping; empty
  // matches are passed over.
  void for_each_match(std::string_view text,
                      const std::function<void(std::size_t begin, std::size_t end)>& visit) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

// Every match replaced by `content` as it stands.
std::string regex_replace(const std::string& text, const Regex& regex, const std::string& content);

// The pattern that matches exactly this text.
std::string quote_regex(std::string_view text);

}  // namespace artemis
