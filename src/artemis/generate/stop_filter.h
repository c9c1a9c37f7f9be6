// Holds back text that could become a stop string.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace artemis {

class StopFilter {
 public:
  explicit StopFilter(std::vector<std::string> stop) : stop_(std::move(stop)) {}

  // Adds text and returns what may be shown now. After a stop string was found (stopped()), nothing more.
  std::string push(std::string_view text);
  // The rest, when no more text comes.
  std::string flush();
  bool stopped() const { return stopped_; }

 private:
  std::vector<std::string> stop_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace artemis
