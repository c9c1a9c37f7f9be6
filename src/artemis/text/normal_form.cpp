#include "artemis/text/normal_form.h"

#include <utf8proc.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "artemis/core/error.h"
#include "artemis/text/unicode.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

constexpr std::size_t longest_decomposition = 32;  // Unicode's longest is 18

int combining_class(utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; }

class Normalization {
 public:
  explicit Normalization(NormalForm form)
      : compose_(form == NormalForm::nfc || form == NormalForm::nfkc),
        options_(static_cast<utf8proc_option_t>(
            UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
            (form == NormalForm::nfkc || form == NormalForm::nfkd ? UTF8PROC_COMPAT : 0))) {}

  std::string run(std::string_view text) {
    out_.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = at;
      const char32_t c = next_code_point(text, at);
      // ASCII and what the reference does not know begin anew: nothing before them is touched by what
      // follows.
      if (c < 0x80 || is_unnormalized(c)) end_segment();
      if (c < 0x80 && (at == text.size() || static_cast<unsigned char>(text[at]) < 0x80)) {
        out_ += static_cast<char>(c);
      } else if (is_unnormalized(c)) {
        out_ += text.substr(begin, at - begin);
      } else {
        add(static_cast<utf8proc_int32_t>(c));
      }
    }
    end_segment();
    return std::move(out_);
  }

 private:
  void add(utf8proc_int32_t c) {
    const std::size_t before = points_.size();
    points_.resize(before + longest_decomposition);
    int boundary = 0;
    const utf8proc_ssize_t count =
        utf8proc_decompose_char(c, points_.data() + before, longest_decomposition, options_, &boundary);
    ARTEMIS_ASSERT(count >= 0 && count <= static_cast<utf8proc_ssize_t>(longest_decomposition));
    points_.resize(before + static_cast<std::size_t>(count));
  }

  void end_segment() {
    if (points_.empty()) return;
    sort_marks();
    auto count = static_cast<utf8proc_ssize_t>(points_.size());
    if (compose_) {
      count = utf8proc_normalize_utf32(points_.data(), count,
                                       static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    }
    for (const utf8proc_int32_t c : std::span(points_).first(static_cast<std::size_t>(count))) {
      append_code_point(out_, static_cast<char32_t>(c));
    }
    points_.clear();
  }

  // Canonical order: runs of marks by their class.
  void sort_marks() {
    for (auto begin = points_.begin(); begin != points_.end();) {
      const auto end = std::find_if(begin, points_.end(), [](auto c) { return combining_class(c) == 0; });
      if (end - begin > 1) std::ranges::stable_sort(begin, end, {}, combining_class);
      begin = end == points_.end() ? end : end + 1;
    }
  }

  bool compose_;
  utf8proc_option_t options_;
  std::string out_;
  std::vector<utf8proc_int32_t> points_;  // decomposed, since the last segment
};

}  // namespace

std::string normalize(std::string text, NormalForm form) {
  if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return text;
  return Normalization(form).run(text);
}

}  // namespace artemis
