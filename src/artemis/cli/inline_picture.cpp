#include "artemis/cli/inline_picture.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "artemis/cli/sixel.h"
#include "artemis/image/decode.h"
#include "artemis/image/encode.h"
#include "artemis/image/resize.h"
#include "artemis/io/base64.h"

namespace artemis {
namespace {

// A terminal whose keys come at once and unseen, as long as this lives.
class RawTerminal {
 public:
  explicit RawTerminal(int descriptor)
      : descriptor_(descriptor), works_(tcgetattr(descriptor, &before_) == 0) {
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    if (works_) tcsetattr(descriptor_, TCSANOW, &raw);
  }
  ~RawTerminal() {
    if (works_) tcsetattr(descriptor_, TCSANOW, &before_);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  bool works() const { return works_; }

 private:
  int descriptor_;
  termios before_{};
  bool works_;
};

// The numbers of an answer "ESC [ ? 62 ; 4 ; 22 c" behind the first one, which is the terminal's class: 4 is
// sixels.
bool has_sixels(std::string_view numbers) {
  for (std::size_t at = numbers.find(';'); at != numbers.npos; at = numbers.find(';', at + 1)) {
    const std::string_view number = numbers.substr(at + 1, numbers.find(';', at + 1) - at - 1);
    if (number == "4") return true;
  }
  return false;
}

// Takes what begins with `begin` and ends with the first `end` behind it out of `text`.
std::optional<std::string> take(std::string& text, std::string_view begin, std::string_view end) {
  const std::size_t from = text.find(begin);
  if (from == text.npos) return {};
  const std::size_t to = text.find(end, from + begin.size());
  if (to == text.npos) return {};
  std::string inside = text.substr(from + begin.size(), to - from - begin.size());
  text.erase(from, to + end.size() - from);
  return inside;
}

// kitty takes the bytes of a PNG in pieces of at most 4096 characters.
std::string kitty_escape(std::string_view png) {
  constexpr std::size_t most = 4096;
  const std::string text = encode_base64(png);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += most) {
    // q=2: the terminal answers nothing, neither success nor fault.
    out += fmt::format("\033_G{}m={};{}\033\\", at == 0 ? "a=T,f=100,q=2," : "",
                       at + most < text.size() ? 1 : 0, std::string_view(text).substr(at, most));
  }
  return out;
}

}  // namespace

TerminalHint terminal_hint(const std::function<const char*(const char*)>& environment) {
  const auto value = [&](const char* name) {
    const char* text = environment(name);
    return std::string_view(text == nullptr ? "" : text);
  };
  const std::string_view term = value("TERM");
  const std::string_view program = value("TERM_PROGRAM");
  // These show questions that they do not know as text, or are no terminals at all.
  if (term.empty() || term == "dumb" || term == "linux" || program == "Apple_Terminal" ||
      !value("STY").empty() || !value("INSIDE_EMACS").empty()) {
    return {};
  }
  TerminalHint hint{.may_ask = true};
  // Within tmux the variables tell of the terminal around it, if any; tmux answers for itself.
  if (!value("TMUX").empty()) return hint;
  if (value("LC_TERMINAL") == "iTerm2" || program == "iTerm.app" || program == "WezTerm") {
    hint.sure = PictureProtocol::iterm;
  }
  hint.may_know_kitty = term.find("kitty") != term.npos || term.find("ghostty") != term.npos ||
                        program == "ghostty" || !value("KITTY_WINDOW_ID").empty() ||
                        !value("KONSOLE_VERSION").empty();
  return hint;
}

std::string terminal_question(const TerminalHint& hint) {
  // A pixel in kitty's protocol, to be looked at and not shown; then the device attributes.
  const std::string kitty = hint.may_know_kitty ? "\033_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\033\\" : "";
  return kitty + "\033[c";
}

std::optional<TerminalAnswer> read_answer(std::string_view input) {
  std::string rest(input);
  const auto kitty = take(rest, "\033_G", "\033\\");
  const auto attributes = take(rest, "\033[?", "c");
  if (!attributes) return {};
  TerminalAnswer answer{.typed = rest};
  if (has_sixels(*attributes)) answer.protocol = PictureProtocol::sixel;
  if (kitty && kitty->ends_with(";OK")) answer.protocol = PictureProtocol::kitty;
  return answer;
}

TerminalAnswer ask_terminal() {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDERR_FILENO) == 0) return {};
  const TerminalHint hint = terminal_hint([](const char* name) { return std::getenv(name); });
  if (hint.sure != PictureProtocol::none || !hint.may_ask) return {hint.sure, ""};
  const RawTerminal raw(STDIN_FILENO);
  if (!raw.works()) return {};
  const std::string question = terminal_question(hint);
  if (write(STDERR_FILENO, question.data(), question.size()) != static_cast<ssize_t>(question.size()))
    return {};
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  std::string input;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd waits{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || poll(&waits, 1, static_cast<int>(left.count())) <= 0)
      return {PictureProtocol::none, input};
    std::array<char, 256> piece{};
    const ssize_t got = read(STDIN_FILENO, piece.data(), piece.size());
    if (got <= 0) return {PictureProtocol::none, input};
    input.append(piece.data(), static_cast<std::size_t>(got));
    if (auto answer = read_answer(input)) return *answer;
  }
}

Tensor fit_picture(const Tensor& pixels, std::int64_t height, std::int64_t width) {
  const double scale = std::min(static_cast<double>(height) / static_cast<double>(pixels.dim(0)),
                                static_cast<double>(width) / static_cast<double>(pixels.dim(1)));
  if (scale >= 1) return pixels;
  const auto scaled = [scale](std::int64_t side) {
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(scale * static_cast<double>(side)));
  };
  return resize_bicubic(pixels, {scaled(pixels.dim(0)), scaled(pixels.dim(1))});
}

std::string picture_escape(const Tensor& pixels, PictureProtocol protocol) {
  switch (protocol) {
    case PictureProtocol::none:
      return "";
    case PictureProtocol::kitty:
      return kitty_escape(encode_png(pixels)) + "\n";
    case PictureProtocol::sixel:
      return sixel_escape(pixels) + "\n";
    case PictureProtocol::iterm:
      break;
  }
  const std::string png = encode_png(pixels);
  return fmt::format("\033]1337;File=inline=1;size={};width={}px;height={}px:{}\a\n", png.size(),
                     pixels.dim(1), pixels.dim(0), encode_base64(png));
}

void show_picture(std::string_view bytes, std::string_view name, PictureProtocol protocol) {
  if (protocol == PictureProtocol::none) return;
  winsize size{};
  ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
  const auto at_least = [](int value, std::int64_t otherwise) {
    return value > 0 ? std::int64_t{value} : otherwise;
  };
  const std::int64_t rows = at_least(size.ws_row, 24);
  const std::int64_t columns = at_least(size.ws_col, 80);
  // Cells are of 8 x 16 pixels where the terminal does not say.
  const std::int64_t height = at_least(size.ws_ypixel, rows * 16) * 2 / 5;
  const std::int64_t width = at_least(size.ws_xpixel, columns * 8);
  const Image image = decode(std::as_bytes(std::span(bytes)), name);
  const std::string text = picture_escape(fit_picture(image.pixels, height, width), protocol);
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace artemis
