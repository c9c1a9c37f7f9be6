// A first byte of 0: the rest is a tokenizer.json to load. Else: the rest is text for a small tokenizer,
// whose tokens decode to it again, as a whole and one by one.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "artemis/core/error.h"
#include "artemis/text/byte_level.h"
#include "artemis/text/stream_decoder.h"
#include "artemis/text/tokenizer.h"
#include "artemis/text/utf8.h"

namespace {

using artemis::SortedJson;

// All bytes, a few merges and a special token, with Tekken's kind of split.
const artemis::Tokenizer& small_tokenizer() {
  static const artemis::Tokenizer tokenizer = [] {
    SortedJson vocabulary;
    for (int byte = 0; byte < 256; ++byte) {
      vocabulary[artemis::to_byte_level(std::string(1, static_cast<char>(byte)))] = byte;
    }
    vocabulary["th"] = 256;
    vocabulary["the"] = 257;
    vocabulary
        ["\xC4\xA0"
         "the"] = 258;
    const SortedJson json = {
        {"added_tokens",
         {{{"id", 259},
           {"content", "<s>"},
           {"special", true},
           {"normalized", false},
           {"single_word", false},
           {"lstrip", false},
           {"rstrip", false}}}},
        {"pre_tokenizer",
         {{"type", "Sequence"},
          {"pretokenizers",
           {{{"type", "Split"},
             {"pattern",
              {{"Regex", R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"}}},
             {"behavior", "Isolated"}},
            {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}}},
        {"decoder", {{"type", "ByteLevel"}}},
        {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", {"t h", "th e", "\xC4\xA0 the"}}}}};
    return artemis::Tokenizer::from_json(json, SortedJson(), "small");
  }();
  return tokenizer;
}

void check(bool holds) {
  if (!holds) std::abort();
}

void load(std::string_view text) {
  try {
    artemis::check_json_depth(text, "fuzz", 64);
    const SortedJson json = SortedJson::parse(text, nullptr, false);
    if (json.is_discarded()) return;
    const artemis::Tokenizer tokenizer = artemis::Tokenizer::from_json(json, SortedJson(), "fuzz");
    tokenizer.decode(tokenizer.encode("The cat, 123 <s>\n", true), false);
  } catch (const artemis::Error&) {
  }
}

void round_trip(std::string_view text) {
  const artemis::Tokenizer& tokenizer = small_tokenizer();
  const std::vector<std::int32_t> ids = tokenizer.encode(text, false);
  check(tokenizer.decode(ids, false) == artemis::replace_invalid_utf8(text));
  artemis::StreamDecoder stream(tokenizer, false);
  std::string streamed;
  for (const std::int32_t id : ids) {
    const std::string piece = stream.push(id);
    check(artemis::replace_invalid_utf8(piece) == piece);
    streamed += piece;
  }
  check(streamed + stream.flush() == artemis::replace_invalid_utf8(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 0) {
    load(rest);
  } else {
    round_trip(rest);
  }
  return 0;
}
