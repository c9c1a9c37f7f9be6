#define PCRE2_CODE_UNIT_WIDTH 8
#include "artemis/text/regex.h"

#include <pcre2.h>

#include <array>

#include "artemis/core/error.h"

namespace artemis {
namespace {

std::string message_of(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

constexpr std::size_t jit_stack_start = std::size_t{64} << 10;
constexpr std::size_t jit_stack_limit = std::size_t{16} << 20;

// What one thread matches with: the just-in-time compiled code's own stack.
struct Matching {
  pcre2_jit_stack* stack = pcre2_jit_stack_create(jit_stack_start, jit_stack_limit, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);

  Matching() { pcre2_jit_stack_assign(context, nullptr, stack); }
  ~Matching() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(stack);
  }
  Matching(const Matching&) = delete;
  Matching& operator=(const Matching&) = delete;
};

}  // namespace

struct Regex::Compiled {
  pcre2_code* code = nullptr;
  std::string where;

  ~Compiled() { pcre2_code_free(code); }
};

Regex::Regex(const std::string& pattern, std::string_view where) : compiled_(std::make_unique<Compiled>()) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  compiled_->where = where;
  compiled_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                  PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr);
  require(compiled_->code != nullptr, where, "the regular expression '{}' is malformed at byte {}: {}",
          pattern, offset, message_of(error));
  pcre2_jit_compile(compiled_->code,
                    PCRE2_JIT_COMPLETE);  // where there is no such compiler, it is interpreted
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

void Regex::for_each_match(std::string_view text,
                           const std::function<void(std::size_t, std::size_t)>& visit) const {
  static thread_local Matching matching;
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  for (std::size_t at = 0; at < text.size();) {
    const int result = pcre2_match(compiled_->code, subject, text.size(), at,
                                   PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, matching.data, matching.context);
    if (result == PCRE2_ERROR_NOMATCH) return;
    require(result >= 0, compiled_->where, "matching failed at byte {}: {}", at, message_of(result));
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(matching.data);
    visit(range[0], range[1]);
    at = range[1];
  }
}

std::string regex_replace(const std::string& text, const Regex& regex, const std::string& content) {
  std::string out;
  std::size_t copied = 0;
  regex.for_each_match(text, [&](std::size_t begin, std::size_t end) {
    out += text.substr(copied, begin - copied) + content;
    copied = end;
  });
  return out + text.substr(copied);
}

std::string quote_regex(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}#-/ ").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

}  // namespace artemis
