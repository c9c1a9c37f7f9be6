#include "artemis/text/token_stream.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "artemis/text/byte_level.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

class EachToken : public TokenStep {
 public:
  explicit EachToken(TokenChange change) : change_(std::move(change)) {}
  void push(std::string_view token) override { hand_on(change_(token, index_++)); }

 private:
  TokenChange change_;
  std::size_t index_ = 0;
};

class Gather : public TokenStep {
 public:
  void push(std::string_view token) override { text_ += token; }
  void finish() override { hand_on(std::exchange(text_, {})); }

 private:
  std::string text_;
};

// "<0x0A>" is the byte 10; as in the reference, "<0x+A>" too.
std::optional<char> byte_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return std::nullopt;
  unsigned value = 0;
  const char* last = token.data() + 5;
  const auto [end, error] = std::from_chars(token.data() + (token[3] == '+' ? 4 : 3), last, value, 16);
  if (error != std::errc() || end != last) return std::nullopt;
  return static_cast<char>(static_cast<unsigned char>(value));
}

class BytesFromTokens : public TokenStep {
 public:
  void push(std::string_view token) override {
    if (const auto byte = byte_token(token)) {
      run_ += *byte;
      return;
    }
    finish();
    hand_on(token);
  }

  void finish() override {
    if (run_.empty()) return;
    const std::string run = std::exchange(run_, {});
    if (is_utf8(run)) {
      hand_on(run);
    } else {
      for (std::size_t i = 0; i < run.size(); ++i) hand_on(replacement);
    }
  }

 private:
  std::string run_;
};

class TextFromByteLevel : public TokenStep {
 public:
  void push(std::string_view token) override {
    if (!append_from_byte_level(held_, token)) held_ += token;
    const std::size_t certain = held_.size() - incomplete_tail(held_);
    hand_on(replace_invalid_utf8(std::string_view(held_).substr(0, certain)));
    held_.erase(0, certain);
  }

  void finish() override { hand_on(replace_invalid_utf8(std::exchange(held_, {}))); }

 private:
  std::string held_;  // bytes that may be half a character
};

class SpacesBetween : public TokenStep {
 public:
  void push(std::string_view token) override {
    if (!std::exchange(first_, false)) hand_on(" ");
    hand_on(token);
  }

 private:
  bool first_ = true;
};

class StripText : public TokenStep {
 public:
  StripText(std::string character, std::size_t start, std::size_t stop)
      : character_(std::move(character)), start_(start), stop_(stop) {}

  void push(std::string_view part) override {
    for (; start_ > 0 && part.starts_with(character_); --start_) part.remove_prefix(character_.size());
    if (part.empty()) return;
    start_ = 0;
    std::size_t at_end = 0;  // how often the character stands at the end
    std::string_view before = part;
    for (; before.ends_with(character_); ++at_end) before.remove_suffix(character_.size());
    if (!before.empty()) {
      hand_on_held(std::exchange(held_, 0));
      hand_on(before);
    }
    held_ += at_end;
  }

  void finish() override { hand_on_held(held_ - std::min(held_, stop_)); }

 private:
  void hand_on_held(std::size_t count) {
    for (; count > 0; --count) hand_on(character_);
  }

  std::string character_;
  std::size_t start_;
  std::size_t stop_;
  std::size_t held_ = 0;  // how often the character stands at the end so far
};

template <typename Step, typename... Arguments>
TokenStepMaker maker_of(Arguments... arguments) {
  return [arguments...] { return std::make_unique<Step>(arguments...); };
}

}  // namespace

TokenStepMaker each_token(TokenChange change) { return maker_of<EachToken>(std::move(change)); }
TokenStepMaker gather() { return maker_of<Gather>(); }
TokenStepMaker bytes_from_tokens() { return maker_of<BytesFromTokens>(); }
TokenStepMaker text_from_byte_level() { return maker_of<TextFromByteLevel>(); }
TokenStepMaker spaces_between() { return maker_of<SpacesBetween>(); }

TokenStepMaker strip_text(std::string character, std::size_t start, std::size_t stop) {
  return maker_of<StripText>(std::move(character), start, stop);
}

// Where the text arrives.
class TokenStream::End : public TokenStep {
 public:
  void push(std::string_view token) override { text_ += token; }
  std::string take() { return std::exchange(text_, {}); }

 private:
  std::string text_;
};

TokenStream::TokenStream(const std::vector<TokenStepMaker>& makers) {
  for (const TokenStepMaker& make : makers) steps_.push_back(make());
  auto end = std::make_unique<End>();
  end_ = end.get();
  steps_.push_back(std::move(end));
  for (std::size_t i = 0; i + 1 < steps_.size(); ++i) steps_[i]->set_next(steps_[i + 1].get());
}

std::string TokenStream::push(std::string_view token) {
  steps_.front()->push(token);
  return end_->take();
}

std::string TokenStream::finish() {
  for (const auto& step : steps_) step->finish();
  return end_->take();
}

}  // namespace artemis
