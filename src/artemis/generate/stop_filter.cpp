#include "artemis/generate/stop_filter.h"

#include <algorithm>
#include <utility>

namespace artemis {
namespace {

// The length of the longest end of `text` that begins `word`.
std::size_t overlap(std::string_view text, std::string_view word) {
  for (std::size_t length = std::min(text.size(), word.size()); length > 0; --length) {
    if (text.substr(text.size() - length) == word.substr(0, length)) return length;
  }
  return 0;
}

}  // namespace

std::string StopFilter::push(std::string_view text) {
  if (stopped_) return {};
  held_ += text;
  std::size_t first = std::string::npos;
  for (const std::string& word : stop_) {
    if (!word.empty()) first = std::min(first, held_.find(word));
  }
  if (first != std::string::npos) {
    stopped_ = true;
    held_.resize(first);
    return std::exchange(held_, {});
  }
  std::size_t keep = 0;
  for (const std::string& word : stop_) keep = std::max(keep, overlap(held_, word));
  std::string shown = held_.substr(0, held_.size() - keep);
  held_.erase(0, shown.size());
  return shown;
}

std::string StopFilter::flush() { return std::exchange(held_, {}); }

}  // namespace artemis
