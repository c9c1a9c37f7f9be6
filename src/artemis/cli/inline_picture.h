// Pictures shown between the lines of a terminal, where it can.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "artemis/core/tensor.h"

namespace artemis {

// How a terminal takes pictures: kitty's graphics protocol, iTerm2's inline images, or DEC sixels.
enum class PictureProtocol { none, kitty, iterm, sixel };

// What is known of a terminal from its environment, before it is asked.
struct TerminalHint {
  PictureProtocol sure = PictureProtocol::none;  // where it need not be asked
  bool may_ask = false;                          // it does not show a question as garbage
  bool may_know_kitty = false;                   // nor one in kitty's protocol
};
TerminalHint terminal_hint(const std::function<const char*(const char*)>& environment);

// The question, and what an answer to it says. The answer is whole when it has the part that every terminal
// gives (its device attributes); what else is in `input` was typed meanwhile.
std::string terminal_question(const TerminalHint& hint);
struct TerminalAnswer {
  PictureProtocol protocol = PictureProtocol::none;
  std::string typed;
};
std::optional<TerminalAnswer> read_answer(std::string_view input);

// Of the terminal at stdin and stderr; `none` where one of them is something else. Asks it where that is
// safe, and waits for a second at most.
TerminalAnswer ask_terminal();

// Pixels u8 (height, width, 3), made smaller where they are larger than this.
Tensor fit_picture(const Tensor& pixels, std::int64_t height, std::int64_t width);
// The escape sequence that shows them, ending on a new line; empty for `none`.
std::string picture_escape(const Tensor& pixels, PictureProtocol protocol);
// Shows a picture file on stderr, at most two fifths of the terminal high. Throws Error for what is no
// picture.
void show_picture(std::string_view bytes, std::string_view name, PictureProtocol protocol);

}  // namespace artemis
