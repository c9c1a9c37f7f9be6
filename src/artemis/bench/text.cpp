// Prompts and single tokens through the decoding that generation runs on.
#include <optional>

#include "artemis/bench/measure.h"
#include "artemis/bench/timing.h"
#include "artemis/bench/work.h"
#include "artemis/generate/decoding.h"
#include "artemis/kernels/sampling.h"

namespace artemis::bench {
namespace {

// The median seconds of work(conversation), each time for a new one of this many tokens at most, after the
// first to warm up.
double seconds_of_each(const Subject& subject, std::int64_t tokens,
                       const std::function<void(Decoding&, std::size_t conversation)>& work) {
  const std::vector<std::int64_t> most(static_cast<std::size_t>(subject.repeat) + 1, tokens);
  Decoding decoding(subject.ctx, subject.model, subject.config, most);
  std::vector<double> seconds;
  for (std::size_t i = 0; i < most.size(); ++i) {
    const double taken = seconds_of(subject.ctx, [&] { work(decoding, i); });
    if (i > 0) seconds.push_back(taken);
  }
  return median(seconds);
}

std::int32_t next_token(Decoding& decoding, std::size_t conversation, std::span<const std::int32_t> tokens,
                        const Tensor& features) {
  const Turn turn{conversation, tokens};
  decoding.advance(std::span(&turn, 1), features);
  const std::int32_t token = decoding.likeliest().front();
  require(token >= 0, "bench", "the logits are no numbers");
  return token;
}

Tensor features_of(const Subject& subject, const PictureBatch& pictures) {
  const Tensor features = subject.ctx.allocate(
      subject.dtype, {image_tokens(*subject.config.vision, pictures), subject.config.text.hidden_size});
  image_features(subject.ctx, features, pictures, subject.model, subject.config);
  return features;
}

Figure measure_prompt(const Subject& subject) {
  const std::int64_t length = subject.lengths.prefill;
  const TextBatch text = random_text(subject.config, length);
  const double seconds = seconds_of_each(subject, length, [&](Decoding& decoding, std::size_t conversation) {
    next_token(decoding, conversation, text.input_ids, Tensor());
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
      seconds_of_each(subject, text.tokens(), [&](Decoding& decoding, std::size_t conversation) {
        const Arena::Scope scope(subject.ctx.arena());
        next_token(decoding, conversation, text.input_ids, features_of(subject, pictures));
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
  const std::vector<std::int64_t> most = {prompt.tokens() + warm_up + steps};
  Decoding decoding(subject.ctx, subject.model, subject.config, most);
  std::int32_t token = 0;
  {
    const Arena::Scope scope(subject.ctx.arena());
    token = next_token(decoding, 0, prompt.input_ids,
                       pictures.empty() ? Tensor() : features_of(subject, pictures));
  }
  const auto go_on = [&](std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i)
      token = next_token(decoding, 0, std::span<const std::int32_t>(&token, 1), Tensor());
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
  const auto conversations = static_cast<std::size_t>(count);
  const std::vector<std::int64_t> most(conversations, depth + warm_up + steps);
  Decoding decoding(subject.ctx, subject.model, subject.config, most);
  const std::vector<std::int32_t> prompts = random_text(subject.config, count * depth).input_ids;
  std::vector<std::int32_t> tokens;
  std::vector<Turn> turns;
  tokens.reserve(conversations);
  for (std::size_t i = 0; i < conversations; ++i) {
    const auto length = static_cast<std::size_t>(depth);
    tokens.push_back(next_token(decoding, i, std::span(prompts).subspan(i * length, length), Tensor()));
    turns.push_back({i, std::span(tokens).subspan(i, 1)});
  }
  const auto go_on = [&](std::int64_t passes) {
    for (std::int64_t i = 0; i < passes; ++i) {
      decoding.advance(turns, Tensor());
      std::ranges::copy(decoding.likeliest(), tokens.begin());
    }
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
      subject.ctx, [&] { sample_rows(subject.ctx, ids, logits, Tensor(), rows); }, subject.repeat);
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
