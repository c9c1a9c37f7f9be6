// Clients who ask the engine one question after the other, several at once.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "artemis/bench/measure.h"
#include "artemis/bench/timing.h"
#include "artemis/bench/work.h"
#include "artemis/generate/engine.h"
#include "artemis/text/tokenizer.h"

namespace artemis::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t questions = 3;  // of each client

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

// A token of made-up text for each id of the vocabulary.
Tokenizer made_up_tokenizer(std::int64_t vocabulary) {
  SortedJson ids = SortedJson::object();
  for (std::int64_t id = 0; id < vocabulary; ++id) ids[fmt::format("t{}", id)] = id;
  const SortedJson tokenizer = {
      {"model", {{"type", "BPE"}, {"vocab", std::move(ids)}, {"merges", SortedJson::array()}}}};
  return Tokenizer::from_json(tokenizer, {}, "bench");
}

// What clients see: milliseconds from a question to the first piece of its answer, and between pieces.
struct Times {
  std::vector<double> first;
  std::vector<double> between;
  std::int64_t tokens = 0;
  double seconds = 0;
};

struct Client {
  std::int64_t asked = 0;
  bool waits = false;      // for an answer
  Clock::time_point last;  // piece, or the question
  bool begun = false;      // to be answered
};

double percentile(std::vector<double> values, double share) {
  const auto at =
      std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(at));
  return values[at];
}

std::int32_t text_token(const GraftConfig& config, std::uint64_t number) {
  const auto id = static_cast<std::int32_t>(number % static_cast<std::uint64_t>(config.text.vocab_size - 1));
  return id + (id >= config.image_token_id ? 1 : 0);
}

// A picture of its own and a prompt; without a tower as many tokens of text.
EngineRequest question(const Subject& subject, const Lengths& lengths, const Tensor& pixels,
                       std::uint64_t number) {
  constexpr std::int64_t picture_of_256 = 256;
  EngineRequest request;
  if (subject.config.vision) {
    request.prompt = picture_text(subject.config, lengths, 0).input_ids;
    const std::int64_t rows = lengths.side / subject.config.vision->patch_size;
    request.pictures.push_back({.patches = {pixels, {{1, rows, rows}}}});
  } else {
    request.prompt = random_text(subject.config, lengths.prompt + picture_of_256).input_ids;
  }
  request.prompt[0] = text_token(subject.config, number);  // nobody's beginning is another's
  request.options.max_new_tokens = lengths.decoded;
  request.options.ignore_eos = true;
  return request;
}

Times serve(const Subject& subject, const Tokenizer& tokenizer, std::int64_t count) {
  Context host(Device{}, 1);
  Tensor pixels;
  if (subject.config.vision)
    pixels = random_pictures(host, *subject.config.vision, 1, subject.lengths.side).pixel_values;
  std::uint64_t number = 0;
  const auto longest =
      std::ssize(question(subject, subject.lengths, pixels, 0).prompt) + subject.lengths.decoded;
  const std::int64_t room = Decoding::pages_for(longest + 1) * Decoding::page_size;
  Engine engine(subject.ctx, subject.model, subject.config, tokenizer,
                {.max_sequences = count,
                 .cache_tokens = count * room,
                 .picture_tokens = subject.config.vision ? count * room : 0});
  Times times;
  std::vector<Client> clients(static_cast<std::size_t>(count));
  const auto ask = [&](Client& client) {
    client = {.asked = client.asked + 1, .waits = true, .last = Clock::now(), .begun = false};
    AnswerListener listener;
    listener.on_piece = [&times, &client](const AnswerPiece&) {
      const Clock::time_point now = Clock::now();
      (client.begun ? times.between : times.first).push_back(milliseconds(now - client.last));
      client.begun = true;
      client.last = now;
    };
    listener.on_end = [&times, &client](const GenerateResult& result) {
      require(result.finish_reason == "length", "bench", "an answer ended as '{}': {}", result.finish_reason,
              result.error);
      times.tokens += std::ssize(result.ids);
      client.waits = false;
    };
    ++number;
    EngineRequest request = question(subject, subject.lengths, pixels, number);
    engine.check(request);
    engine.submit(number, std::move(request), std::move(listener));
  };
  times.seconds = seconds_of(subject.ctx, [&] {
    do {
      for (Client& client : clients) {
        if (!client.waits && client.asked < questions) ask(client);
      }
    } while (engine.step());
  });
  return times;
}

// One client asks about a large picture while others are answered: at most 1,936 image tokens, and half of
// the context.
Lengths with_large_picture(const Subject& subject) {
  const auto half = static_cast<double>(subject.config.text.max_position_embeddings / 2);
  const auto rows = static_cast<std::int64_t>(std::sqrt(std::min(half, 1936.0)));
  Lengths lengths = subject.lengths;
  lengths.side = rows * subject.config.vision->spatial_merge_size * subject.config.vision->patch_size;
  return lengths;
}

// The longest wait between two pieces of 31 answers, in milliseconds, while that picture is read.
double longest_pause(const Subject& subject, const Tokenizer& tokenizer) {
  constexpr std::int64_t others = 31;
  const Lengths lengths = with_large_picture(subject);
  Context host(Device{}, 1);
  EngineRequest asked = question(
      subject, lengths, random_pictures(host, *subject.config.vision, 1, lengths.side).pixel_values, 0);
  asked.options.max_new_tokens = 1;
  const std::int64_t pages = Decoding::pages_for(std::ssize(asked.prompt) + 1);
  const std::int64_t room = pages * Decoding::page_size;
  Engine engine(subject.ctx, subject.model, subject.config, tokenizer,
                {.max_sequences = others + 1, .cache_tokens = (others + 1) * room, .picture_tokens = room});
  std::vector<Clock::time_point> last(others);
  std::size_t begun = 0;
  double longest = 0;
  bool read = false;
  const auto hear = [&](std::size_t i) {
    const Clock::time_point now = Clock::now();
    if (last[i] == Clock::time_point()) {
      ++begun;
    } else if (engine.counters().requests > others) {
      longest = std::max(longest, milliseconds(now - last[i]));
    }
    last[i] = now;
  };
  for (std::size_t i = 0; i < last.size(); ++i) {
    EngineRequest other{.prompt = {text_token(subject.config, i)}};
    other.options.max_new_tokens = room - 1;
    other.options.ignore_eos = true;
    engine.submit(i, std::move(other),
                  {.on_piece = [&hear, i](const AnswerPiece&) { hear(i); }, .on_end = {}});
  }
  while (begun < last.size()) engine.step();
  engine.submit(others, std::move(asked),
                {.on_piece = {}, .on_end = [&](const GenerateResult&) { read = true; }});
  while (!read) engine.step();
  engine.fail_all("measured");
  return longest;
}

}  // namespace

Figures measure_serve(const Subject& subject) {
  const Tokenizer tokenizer = made_up_tokenizer(subject.config.text.vocab_size);
  Figures figures;
  for (const std::int64_t clients : {1, 8, 32}) {
    serve(subject, tokenizer, clients);  // to warm up: plans of products are measured where they are new
    const Times times = serve(subject, tokenizer, clients);
    const std::string name = fmt::format("serve_c{}", clients);
    figures.push_back({name + "_tok_s", static_cast<double>(times.tokens) / times.seconds, "tok/s"});
    for (const auto& [share, title] : {std::pair(0.5, "p50"), std::pair(0.99, "p99")}) {
      figures.push_back(
          {fmt::format("{}_first_{}_ms", name, title), percentile(times.first, share), "ms", 0, true});
      figures.push_back(
          {fmt::format("{}_gap_{}_ms", name, title), percentile(times.between, share), "ms", 0, true});
    }
  }
  if (subject.config.vision) {
    longest_pause(subject, tokenizer);  // to warm up
    figures.push_back({"serve_pause_ms", longest_pause(subject, tokenizer), "ms", 0, true});
  }
  return figures;
}

}  // namespace artemis::bench
