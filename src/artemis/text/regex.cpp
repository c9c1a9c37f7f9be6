#define PCRE2_CODE_UNIT_WIDTH 8
#include "artemis/text/regex.h"

#include <pcre2.h>

#include <array>

#include "artemis/core/error.h"
#include "artemis/text/regex_syntax.h"
#include "artemis/text/unicode.h"

namespace artemis {
namespace {

std::string message_of(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

constexpr std::size_t jit_stack_start = std::size_t{64} << 10;
constexpr std::size_t jit_stack_limit = std::size_t{16} << 20;

// What one thread matches with: the just-in-time compiled code's own stack, and room for a changed text.
struct Matching {
  pcre2_jit_stack* stack = pcre2_jit_stack_create(jit_stack_start, jit_stack_limit, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  std::string changed;

  Matching() { pcre2_jit_stack_assign(context, nullptr, stack); }
  ~Matching() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(stack);
  }
  Matching(const Matching&) = delete;
  Matching& operator=(const Matching&) = delete;
};

Matching& matching() {
  static thread_local Matching instance;
  return instance;
}

}  // namespace

struct Regex::Compiled {
  pcre2_code* code = nullptr;
  bool jit = false;
  std::string where;

  ~Compiled() { pcre2_code_free(code); }
};

Regex::Regex(const std::string& pattern, std::string_view where) : compiled_(std::make_unique<Compiled>()) {
  const std::string translated = to_pcre2(pattern, where);
  int error = 0;
  PCRE2_SIZE offset = 0;
  compiled_->where = where;
  const std::unique_ptr<pcre2_compile_context, void (*)(pcre2_compile_context*)> context(
      pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  compiled_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
                                  &offset, context.get());
  require(compiled_->code != nullptr, where, "the regular expression '{}' is malformed: {}", pattern,
          message_of(error));
  // Where there is no such compiler, the pattern is interpreted.
  compiled_->jit = pcre2_jit_compile(compiled_->code, PCRE2_JIT_COMPLETE) == 0;
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

std::string_view Regex::prepare(std::string_view text) { return with_stand_ins(text, matching().changed); }

std::optional<TextRange> Regex::find(std::string_view text, std::size_t at) const {
  const Matching& mine = matching();
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  const int result =
      compiled_->jit ? pcre2_jit_match(compiled_->code, subject, text.size(), at, 0, mine.data, mine.context)
                     : pcre2_match(compiled_->code, subject, text.size(), at, PCRE2_NO_UTF_CHECK, mine.data,
                                   mine.context);
  if (result == PCRE2_ERROR_NOMATCH) return std::nullopt;
  require(result >= 0, compiled_->where, "matching a regular expression failed at byte {}: {}", at,
          message_of(result));
  const PCRE2_SIZE* range = pcre2_get_ovector_pointer(mine.data);
  return TextRange{range[0], std::max(range[0], range[1])};
}

std::string regex_replace(std::string_view text, const Regex& regex, std::string_view content) {
  std::string out;
  std::size_t copied = 0;
  regex.for_each_match(text, [&](TextRange match) {
    out += text.substr(copied, match.begin - copied);
    out += content;
    copied = match.end;
  });
  out += text.substr(copied);
  return out;
}

std::string quote_regex(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}#-/& ").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

}  // namespace artemis
