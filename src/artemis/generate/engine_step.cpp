// One pass of the engine: whose turn it is, the pass, and the tokens that follow.
#include <algorithm>

#include "artemis/generate/conversation.h"
#include "artemis/generate/engine.h"
#include "artemis/generate/probabilities.h"
#include "artemis/generate/prompt_lookup.h"

namespace artemis {

bool Engine::step() {
  end_early();
  admit();
  hold_pictures();
  const bool computes = pictures_.advance();
  const Plan pass = plan();
  if (pass.turns.empty()) {
    if (computes) ctx_.synchronize();  // those who come meanwhile need not wait for all of it
    return computes;
  }
  {
    const Arena::Scope scope(ctx_.arena());
    PictureRows pictures;
    if (!pass.feature_rows.empty()) pictures = {pictures_.gather(pass.feature_rows), pass.feature_places};
    decoding_.advance(pass.turns, pictures);
  }
  take(pass, draw(pass));
  remove_ended();
  ++counters_.steps;
  return true;
}

Engine::Plan Engine::plan() {
  Plan plan;
  std::vector<Conversation*> answering;
  std::vector<Conversation*> reading;
  for (const auto& conversation : running_)
    (conversation->answering() ? answering : reading).push_back(conversation.get());
  // Those that gave their pages back meanwhile have none.
  for (Conversation* conversation : answering) {
    if (!conversation->pages.empty() && make_room(plan, *conversation))
      add(plan, *conversation, conversation->answer.history().last(1));
  }
  if (options_.draft_tokens > 0) add_guesses(plan);
  std::erase_if(reading, [](const Conversation* conversation) { return conversation->pages.empty(); });
  plan_prompts(plan, reading);
  return plan;
}

// Of those that read on, a long prompt that comes first has half of what is left of the pass, and all that
// the others have no use for: so none waits for ever. Then come those that need the fewest passes: so no
// short prompt waits for long ones, and prompts of a size keep their order.
void Engine::plan_prompts(Plan& plan, std::span<Conversation*> reading) {
  std::int64_t left = std::max(options_.step_tokens - plan.tokens, Decoding::page_size);
  std::int64_t others = 0;
  for (const Conversation* conversation : reading) others += conversation->unread();
  for (std::int64_t read = 0; read == 0 && !reading.empty(); reading = reading.subspan(1)) {
    Conversation& first = *reading.front();
    others -= first.unread();
    const std::int64_t kept = first.unread() > left ? std::min(left / 2, others) : 0;
    read = plan_prompt(plan, first, left - kept);
    left -= read;
  }
  std::ranges::stable_sort(reading, {}, [&](const Conversation* conversation) {
    return (conversation->unread() + options_.step_tokens - 1) / options_.step_tokens;
  });
  for (Conversation* conversation : reading) {
    if (left > 0) left -= plan_prompt(plan, *conversation, left);
  }
}

void Engine::add(Plan& plan, Conversation& conversation, std::span<const std::int32_t> tokens) {
  plan.conversations.push_back(&conversation);
  plan.turns.push_back({.pages = conversation.pages, .before = conversation.computed, .tokens = tokens});
  plan.tokens += std::ssize(tokens);
}

// Puts guesses behind the next token of those who may guess, as far as there is room at nobody's cost.
void Engine::add_guesses(Plan& plan) {
  for (std::size_t i = 0; i < plan.turns.size(); ++i) {
    Conversation& conversation = *plan.conversations[i];
    const Answer& answer = conversation.answer;
    const GenerateOptions& options = conversation.request.options;
    if (!answer.draws_freely() || options.logprobs) continue;
    const std::int64_t most = options.max_new_tokens - answer.new_tokens() - 1;
    std::span<const std::int32_t> guesses = look_up(answer.history(), std::min(options_.draft_tokens, most));
    const std::int64_t before = conversation.tokens();
    while (std::ssize(conversation.pages) < Decoding::pages_for(before + std::ssize(guesses))) {
      const std::optional<std::int32_t> page = pages_.take();
      if (!page) break;
      conversation.pages.push_back(*page);
    }
    const std::int64_t room = std::ssize(conversation.pages) * Decoding::page_size - before;
    guesses = guesses.first(static_cast<std::size_t>(std::min(std::ssize(guesses), room)));
    if (guesses.empty()) continue;
    Turn& turn = plan.turns[i];
    std::vector<std::int32_t>& drafted = plan.drafted.emplace_back(turn.tokens.begin(), turn.tokens.end());
    drafted.insert(drafted.end(), guesses.begin(), guesses.end());
    turn = {.pages = conversation.pages,
            .before = turn.before,
            .tokens = drafted,
            .outputs = std::ssize(drafted)};
    plan.tokens += std::ssize(guesses);
    counters_.drafted_tokens += guesses.size();
  }
}

// The next tokens of what is to be read, at most `left`; returns their number.
std::int64_t Engine::plan_prompt(Plan& plan, Conversation& conversation, std::int64_t left) {
  const std::int64_t begin = conversation.computed;
  const std::int64_t end = ready_until(conversation, begin + std::min(left, conversation.unread()));
  if (end == begin) return 0;
  const auto tokens = conversation.answer.history().subspan(static_cast<std::size_t>(begin),
                                                            static_cast<std::size_t>(end - begin));
  std::size_t picture = 0;
  for (std::int64_t image = conversation.images_before(begin); image < conversation.images_before(end);
       ++image) {
    while (conversation.first_image[picture + 1] <= image) ++picture;
    plan.feature_rows.push_back(
        PictureStore::row(conversation.pictures[picture], image - conversation.first_image[picture]));
    const std::int64_t place = conversation.image_places[static_cast<std::size_t>(image)];
    plan.feature_places.push_back(static_cast<std::int32_t>(plan.tokens + place - begin));
  }
  add(plan, conversation, tokens);
  return end - begin;
}

// Holds the pictures that come next in what is to be read, those of the conversations that began first
// before others'. Behind one for which there is no room none is held: room for a large one would never come.
void Engine::hold_pictures() {
  for (const auto& conversation : running_) {
    const std::int64_t end = std::min(conversation->computed + options_.step_tokens, conversation->tokens());
    const std::int64_t first = conversation->images_before(conversation->computed);
    const std::int64_t last = conversation->images_before(end);
    for (std::size_t i = 0; i < conversation->pictures.size(); ++i) {
      PlacedPicture& picture = conversation->pictures[i];
      const bool comes = conversation->first_image[i] < last && conversation->first_image[i + 1] > first;
      if (comes && picture.pages.empty() && !pictures_.hold(picture)) return;
    }
  }
}

// The place of the next image token whose picture is not computed, or `end`.
std::int64_t Engine::ready_until(const Conversation& conversation, std::int64_t end) const {
  const std::int64_t first = conversation.images_before(conversation.computed);
  const std::int64_t last = conversation.images_before(end);
  for (std::size_t i = 0; i < conversation.pictures.size(); ++i) {
    const std::int64_t image = std::max(conversation.first_image[i], first);
    if (image >= std::min(conversation.first_image[i + 1], last)) continue;
    if (!pictures_.ready(conversation.pictures[i]))
      return conversation.image_places[static_cast<std::size_t>(image)];
  }
  return end;
}

// Room for the next token of the conversation, at the cost of those that began later and have no turn yet, or
// of itself: false.
bool Engine::make_room(const Plan& plan, Conversation& conversation) {
  const std::int64_t needed = Decoding::pages_for(conversation.tokens());
  while (std::ssize(conversation.pages) < needed) {
    if (const std::optional<std::int32_t> page = pages_.take()) {
      conversation.pages.push_back(*page);
      continue;
    }
    const auto victim = std::ranges::find_if(running_.rbegin(), running_.rend(), [&](const auto& one) {
      return std::ranges::find(plan.conversations, one.get()) == plan.conversations.end();
    });
    Conversation* const last = victim->get();  // at the least the conversation itself
    preempt(*last);
    if (last == &conversation) return false;
  }
  return true;
}

std::span<const std::int32_t> Engine::draw(const Plan& plan) {
  raw_.clear();
  const bool greedy = std::ranges::all_of(plan.conversations, [](const Conversation* conversation) {
    return conversation->answer.draws_freely() && conversation->answer.sampler().takes_likeliest() &&
           !conversation->request.options.logprobs;
  });
  if (greedy) return decoding_.likeliest();
  std::vector<RowSampling> rows;
  std::vector<LogitEdit> edits;
  std::vector<std::int32_t> masked;
  std::vector<std::uint32_t> masks;
  const auto words = static_cast<std::size_t>((config_.text.vocab_size + 31) / 32);
  for (std::size_t i = 0; i < plan.turns.size(); ++i) {
    const Conversation& conversation = *plan.conversations[i];
    const Answer& answer = conversation.answer;
    const auto row = static_cast<std::int32_t>(rows.size());
    for (std::int64_t ahead = 0; ahead < plan.turns[i].outputs; ++ahead)
      rows.push_back(answer.sampler().draw(ahead));
    if (conversation.computed + std::ssize(plan.turns[i].tokens) < conversation.tokens()) continue;
    if (conversation.request.options.logprobs) raw_.emplace(row, logits_of(row));
    if (!answer.draws_freely()) answer.add_edits(edits, row);
    if (!answer.constrained()) continue;
    masked.push_back(row);
    masks.resize(masks.size() + words);
    try {
      answer.allowed(std::span(masks).last(words));
    } catch (const Error& error) {
      plan.conversations[i]->answer.end("error", error.what());
    }
  }
  if (!edits.empty()) edit_logits(ctx_, decoding_.logits(), edits);
  if (!masked.empty()) mask_logits(ctx_, decoding_.logits(), masks, masked);
  return decoding_.sample(rows);
}

// A row of the logits, on the host.
std::vector<float> Engine::logits_of(std::int64_t row) {
  std::vector<float> logits(static_cast<std::size_t>(config_.text.vocab_size));
  ctx_.copy(Tensor::wrap(logits.data(), DType::f32, {1, std::ssize(logits)}, Device{}, nullptr, false),
            decoding_.logits().rows(row, row + 1));
  return logits;
}

void Engine::take(const Plan& plan, std::span<const std::int32_t> tokens) {
  std::size_t row = 0;
  for (std::size_t i = 0; i < plan.turns.size(); ++i) {
    const Turn& turn = plan.turns[i];
    Conversation& conversation = *plan.conversations[i];
    const auto drawn = tokens.subspan(row, static_cast<std::size_t>(turn.outputs));
    take(conversation, turn, drawn, row);
    row += drawn.size();
    settle(conversation);
  }
}

// Where the turn reached the end of what is known, the token drawn behind it; and as long as what was guessed
// comes true, those behind.
void Engine::take(Conversation& conversation, const Turn& turn, std::span<const std::int32_t> drawn,
                  std::size_t row) {
  Answer& answer = conversation.answer;
  const std::span<const std::int32_t> guesses = turn.tokens.last(drawn.size()).subspan(1);
  const std::int64_t known = conversation.tokens();
  conversation.computed += std::ssize(turn.tokens) - std::ssize(guesses);
  if (conversation.computed < known || answer.ended()) return;
  const auto take_next = [&](std::int32_t token) {
    AnswerToken probabilities;
    const auto raw = raw_.find(static_cast<std::int32_t>(row));
    if (raw != raw_.end() && token >= 0)
      probabilities = probabilities_of(raw->second, token, *conversation.request.options.logprobs);
    answer.take(token, std::move(probabilities));
    ++counters_.completion_tokens;
  };
  try {
    take_next(drawn[0]);
    for (std::size_t i = 0; i < guesses.size() && !answer.ended() && guesses[i] == drawn[i]; ++i) {
      ++conversation.computed;
      ++counters_.accepted_tokens;
      take_next(drawn[i + 1]);
    }
  } catch (const Error& error) {
    answer.end("error", error.what());
  }
}

// Lets go of pictures that are read and of room for guesses that did not come true, and shows others what has
// been computed.
void Engine::settle(Conversation& conversation) {
  const std::int64_t images = conversation.images_before(conversation.computed);
  for (std::size_t i = 0; i < conversation.pictures.size(); ++i) {
    if (conversation.first_image[i + 1] <= images) pictures_.release(conversation.pictures[i]);
  }
  const auto needed = static_cast<std::size_t>(Decoding::pages_for(conversation.tokens() + 1));
  if (conversation.pages.size() > needed) {
    pages_.release(std::span(conversation.pages).subspan(needed));
    conversation.pages.resize(needed);
  }
  if (!options_.reuse) return;
  const auto whole = static_cast<std::size_t>(conversation.computed / Decoding::page_size);
  if (conversation.published >= whole) return;
  conversation.extend_content();
  while (conversation.published < whole)
    pages_.publish(conversation.pages, ++conversation.published, conversation.content);
}

}  // namespace artemis
