// Prompts and single tokens through the decoding that generation runs on.
#include <algorithm>
#include <functional>

#include "artemis/bench/measure.h"
#include "artemis/bench/timing.h"
#include "artemis/bench/work.h"
#include "artemis/generate/decoding.h"
#include "artemis/kernels/sampling.h"

namespace artemis::bench {
namespace {

// Conversations side by side, each with pages of its own for `tokens`.
class Conversations {
 public:
  Conversations(const Subject& subject, std::int64_t count, std::int64_t tokens)
      : decoding_(subject.ctx, subject.model, subject.config,
                  {.turns = count,
                   .outputs = count,
                   .pages = count * Decoding::pages_for(tokens),
                   .turn_pages = Decoding::pages_for(tokens)}),
        lengths_(static_cast<std::size_t>(count), 0) {
    std::int32_t page = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      pages_.emplace_back(static_cast<std::size_t>(Decoding::pages_for(tokens)));
      for (std::int32_t& own : pages_.back()) own = page++;
    }
  }

  // One pass over the next tokens, as many of each, of the conversations from `first` on; the likeliest that
  // follow.
  std::span<const std::int32_t> advance(std::size_t first, std::size_t count,
                                        std::span<const std::int32_t> tokens, const PictureRows& pictures) {
    const std::size_t each = tokens.size() / count;
    turns_.clear();
    for (std::size_t i = 0; i < count; ++i) {
      turns_.push_back({.pages = pages_[first + i],
                        .before = lengths_[first + i],
                        .tokens = tokens.subspan(i * each, each)});
      lengths_[first + i] += static_cast<std::int64_t>(each);
    }
    decoding_.advance(turns_, pictures);
    const std::span<const std::int32_t> likeliest = decoding_.likeliest();
    require(std::ranges::all_of(likeliest, [](std::int32_t id) { return id >= 0; }), "bench",
            "the logits are no numbers");
    return likeliest;
  }

 private:
  Decoding decoding_;
  std::vector<std::vector<std::int32_t>> pages_;
  std::vector<std::int64_t> lengths_;
  std::vector<Turn> turns_;
};

// The median seconds of work(conversations, i), each time for a new one of this many tokens at most, after
// the first to warm up.
double seconds_of_each(const Subject& subject, std::int64_t tokens,
                       const std::function<void(Conversations&, std::size_t i)>& work) {
  const std::int64_t count = subject.repeat + 1;
  Conversations conversations(subject, count, tokens);
  std::vector<double> seconds;
  for (std::int64_t i = 0; i < count; ++i) {
    const double taken = seconds_of(subject.ctx, [&] { work(conversations, static_cast<std::size_t>(i)); });
    if (i > 0) seconds.push_back(taken);
  }
  return median(seconds);
}

// The features of the prompt's pictures where its image tokens stand.
PictureRows rows_of(const Subject& subject, const TextBatch& prompt, const PictureBatch& pictures) {
  PictureRows rows;
  if (pictures.empty()) return rows;
  for (std::int32_t place = 0; place < static_cast<std::int32_t>(prompt.tokens()); ++place) {
    if (prompt.input_ids[static_cast<std::size_t>(place)] == subject.config.image_token_id)
      rows.places.push_back(place);
  }
  rows.features = subject.ctx.allocate(
      subject.dtype, {image_tokens(*subject.config.vision, pictures), subject.config.text.hidden_size});
  image_features(subject.ctx, rows.features, pictures, subject.model, subject.config);
  return rows;
}

Figure measure_prompt(const Subject& subject) {
  const std::int64_t length = subject.lengths.prefill;
  const TextBatch text = random_text(subject.config, length);
  const double seconds = seconds_of_each(subject, length, [&](Conversations& conversations, std::size_t i) {
    conversations.advance(i, 1, text.input_ids, {});
  });
  const auto tokens = static_cast<double>(length);
  const double least_seconds =
      prefill_flop(subject.config, length) / (subject.ceilings.product(subject.dtype) * 1e9);
  return {"prefill_2048_tok_s", tokens / seconds, "tok/s", tokens / least_seconds};
}

Figure measure_first_token(const Subject& subject) {
  Context host(Device{}, 0);
  const PictureBatch pictures = random_pictures(host, *subject.config.vision, 1, subject.lengths.side);
  const TextBatch text = picture_text(subject.config, subject.lengths, 0);
  const double seconds =
      seconds_of_each(subject, text.tokens(), [&](Conversations& conversations, std::size_t i) {
        const Arena::Scope scope(subject.ctx.arena());
        conversations.advance(i, 1, text.input_ids, rows_of(subject, text, pictures));
      });
  const double flop =
      picture_flop(subject.config, subject.lengths.side) + prefill_flop(subject.config, text.tokens());
  return {"ttft_280_ms", 1e3 * seconds, "ms", 1e3 * flop / (subject.ceilings.product(subject.dtype) * 1e9),
          true};
}

// The mean over all tokens behind the first few.
Figure measure_tokens(const Subject& subject, const std::string& name, const TextBatch& prompt,
                      const PictureBatch& pictures) {
  constexpr std::int64_t warm_up = 4;
  const std::int64_t steps = subject.lengths.decoded;
  Conversations conversations(subject, 1, prompt.tokens() + warm_up + steps);
  std::int32_t token = 0;
  {
    const Arena::Scope scope(subject.ctx.arena());
    token = conversations.advance(0, 1, prompt.input_ids, rows_of(subject, prompt, pictures)).front();
  }
  const auto go_on = [&](std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i)
      token = conversations.advance(0, 1, std::span(&token, 1), {}).front();
  };
  go_on(warm_up);
  const double seconds = seconds_of(subject.ctx, [&] { go_on(steps); });
  const double depth = static_cast<double>(prompt.tokens() + warm_up) + static_cast<double>(steps) / 2;
  return {name, static_cast<double>(steps) / seconds, "tok/s",
          subject.ceilings.read * 1e9 / decode_bytes(subject.config, subject.dtype, depth)};
}

// Tokens a second of `count` conversations side by side, each behind a prompt of its own.
Figure measure_side_by_side(const Subject& subject, std::int64_t count, std::int64_t depth) {
  constexpr std::int64_t warm_up = 4;
  const std::int64_t steps = subject.lengths.decoded;
  const auto number = static_cast<std::size_t>(count);
  Conversations conversations(subject, count, depth + warm_up + steps);
  const auto length = static_cast<std::size_t>(depth);
  const std::vector<std::int32_t> prompts = random_text(subject.config, count * depth).input_ids;
  std::vector<std::int32_t> tokens;
  for (std::size_t i = 0; i < number; ++i) {
    tokens.push_back(conversations.advance(i, 1, std::span(prompts).subspan(i * length, length), {}).front());
  }
  const auto go_on = [&](std::int64_t passes) {
    for (std::int64_t i = 0; i < passes; ++i)
      std::ranges::copy(conversations.advance(0, number, tokens, {}), tokens.begin());
  };
  go_on(warm_up);
  const double seconds = seconds_of(subject.ctx, [&] { go_on(steps); });
  const double reached = static_cast<double>(depth + warm_up) + static_cast<double>(steps) / 2;
  const double bytes = decode_bytes(subject.config, subject.dtype, static_cast<double>(count) * reached);
  const auto all = static_cast<double>(count);
  return {fmt::format("decode_b{}_bf16_tok_s", count), all * static_cast<double>(steps) / seconds, "tok/s",
          all * subject.ceilings.read * 1e9 / bytes};
}

// The microseconds of drawing a token for each of `count` rows, which are read once at least.
Figure measure_sampling(const Subject& subject, std::int64_t count) {
  const std::int64_t vocabulary = subject.config.text.vocab_size;
  const Tensor logits = random_tensor(subject.ctx, DType::f32, {count, vocabulary}, 2.0f, 5);
  const Tensor ids = Tensor::allocate(DType::i32, {count}, subject.ctx.device());
  std::vector<RowSampling> rows(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    // A temperature of 1 leaves the logits as they are for the next call.
    rows[i] = {.temperature = 1.0f,
               .top_p = 0.9f,
               .uniform = (static_cast<double>(i) + 0.5) / static_cast<double>(rows.size())};
  }
  const double seconds = median_seconds(
      subject.ctx, [&] { sample_rows(subject.ctx, ids, logits, rows); }, subject.repeat);
  return {fmt::format("sample_b{}_us", count), 1e6 * seconds, "us",
          1e6 * static_cast<double>(logits.bytes()) / (subject.ceilings.read * 1e9), true};
}

}  // namespace

Figures measure_prefill(const Subject& subject) {
  Figures figures = {measure_prompt(subject)};
  if (subject.config.vision) figures.push_back(measure_first_token(subject));
  return figures;
}

Figures measure_decode(const Subject& subject) {
  const Lengths& lengths = subject.lengths;
  constexpr std::int64_t picture_of_256 = 256;
  PictureBatch pictures;
  TextBatch prompt = random_text(subject.config, lengths.prompt + picture_of_256);
  if (subject.config.vision) {
    pictures = random_pictures(subject.ctx, *subject.config.vision, 1, lengths.side);
    prompt = picture_text(subject.config, lengths, 0);
  }
  return {measure_tokens(subject, "decode_b1_bf16_tok_s", prompt, pictures),
          measure_tokens(subject, "decode_b1_d4096_tok_s", random_text(subject.config, lengths.depth), {}),
          measure_side_by_side(subject, 8, prompt.tokens()),
          measure_side_by_side(subject, 32, prompt.tokens()),
          measure_sampling(subject, 1),
          measure_sampling(subject, 8),
          measure_sampling(subject, 32)};
}

}  // namespace artemis::bench
