#include "artemis/generate/engine.h"

#include <algorithm>
#include <limits>

#include "artemis/generate/conversation.h"
#include "artemis/model/vision_tower.h"

namespace artemis {
namespace {

DecodingSize size_of(const EngineOptions& options, const GraftConfig& config) {
  const std::int64_t pages = Decoding::pages_for(options.cache_tokens);
  return {.turns = options.max_sequences,
          .outputs = options.max_sequences * (1 + options.draft_tokens),
          .pages = pages,
          .turn_pages = std::min(pages, Decoding::pages_for(config.text.max_position_embeddings))};
}

// How many elements of both are the same from the first on.
std::size_t common_beginning(PageContent a, PageContent b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

void check_picture(const EnginePicture& picture, const VisionConfig& vision) {
  const std::int64_t merge = vision.spatial_merge_size;
  std::int64_t patches = 0;
  for (const auto& [frames, rows, columns] : picture.patches.grid_thw) {
    require(frames > 0 && rows > 0 && columns > 0 && rows % merge == 0 && columns % merge == 0, "pictures",
            "a picture has a grid of {} x {} x {} patches, expected multiples of {}", frames, rows, columns,
            merge);
    patches += frames * rows * columns;
  }
  const Shape expected{patches, vision.patch_width()};
  require(patches > 0 && picture.patches.pixel_values.shape() == expected, "pictures",
          "a picture's patches do not have the shape of its grid");
  require(picture.key.empty() || picture.key.size() >= least_key, "pictures",
          "a picture's key has {} bytes, expected none or at least {}", picture.key.size(), least_key);
}

}  // namespace

void check_engine_options(const EngineOptions& options) {
  constexpr std::int64_t many = std::int64_t{1} << 20;
  constexpr std::int64_t rows = std::numeric_limits<std::int32_t>::max();  // kernels number them so
  constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();
  const auto check = [](std::int64_t value, std::int64_t least, std::int64_t most, const char* name) {
    if (value < least) throw UsageError(name, fmt::format("{} is less than {}", value, least));
    if (value > most) throw UsageError(name, fmt::format("{} is more than {}", value, most));
  };
  check(options.max_sequences, 1, many, "max-sequences");
  check(options.max_waiting, 1, many, "max-waiting");
  check(options.waiting_tokens, 1, any, "waiting-tokens");
  check(options.waiting_bytes, 1, any, "waiting-bytes");
  check(options.step_tokens, 1, many, "step-tokens");
  check(options.draft_tokens, 0, many / options.max_sequences - 1, "draft-tokens");
  check(options.cache_tokens, 0, rows, "cache-tokens");
  check(options.picture_tokens, 0, rows, "picture-tokens");
}

Engine::Engine(Context& ctx, const Graft& model, const GraftConfig& config, const Tokenizer& tokenizer,
               const EngineOptions& options)
    : ctx_(ctx),
      config_(config),
      tokenizer_(tokenizer),
      options_(options),
      decoding_(ctx, model, config, size_of(options, config)),
      pages_(Decoding::pages_for(options.cache_tokens), Decoding::page_size),
      pictures_(ctx, model, config, config.vision ? options.picture_tokens : 0, options.step_tokens) {
  check_engine_options(options);
}

Engine::~Engine() = default;

void Engine::check(const EngineRequest& request) const {
  const GenerateOptions& options = request.options;
  const std::int64_t prompt = std::ssize(request.prompt);
  const TextConfig& text = config_.text;
  require(options.max_new_tokens > 0, "generate", "max_new_tokens is {}, expected at least 1",
          options.max_new_tokens);
  require(prompt > 0, "generate", "the prompt has no tokens, expected at least one");
  const auto fits = [&](std::int64_t room) { return options.max_new_tokens <= room - prompt; };
  require(fits(text.max_position_embeddings), "generate",
          "a prompt of {} tokens and {} new ones pass the model's context of {}", prompt,
          options.max_new_tokens, text.max_position_embeddings);
  require(fits(pages_.pages() * Decoding::page_size), "generate",
          "a prompt of {} tokens and {} new ones pass the cache's room for {}", prompt,
          options.max_new_tokens, pages_.pages() * Decoding::page_size);
  for (const std::int32_t id : request.prompt) {
    require(id >= 0 && id < text.vocab_size, "generate", "token id {} is outside [0, {})", id,
            text.vocab_size);
  }
  check_sampling_options(options.sampling);
  for (const auto& [id, bias] : options.logit_bias) {
    require(id >= 0 && id < text.vocab_size, "logit_bias", "token id {} is outside [0, {})", id,
            text.vocab_size);
  }
  require(request.pictures.empty() || config_.vision.has_value(), "pictures",
          "the model has no vision tower, so it takes no pictures");
  std::int64_t features = 0;
  for (const EnginePicture& picture : request.pictures) {
    check_picture(picture, *config_.vision);
    const std::int64_t tokens = image_tokens(*config_.vision, picture.patches);
    require(tokens <= pictures_.capacity(), "pictures", "a picture has {} image tokens, there is room for {}",
            tokens, pictures_.capacity());
    features += tokens;
  }
  const std::int64_t places = std::ranges::count(request.prompt, config_.image_token_id);
  require(!config_.vision || places == features, "pictures",
          "{} <|image_pad|> tokens (id {}) stand in the text, the pictures give {} features", places,
          config_.image_token_id, features);
}

void Engine::submit(std::uint64_t id, EngineRequest request, AnswerListener listener) {
  waiting_.push_back(
      std::make_unique<Conversation>(id, std::move(request), std::move(listener), tokenizer_, config_));
  const EngineRequest& taken = waiting_.back()->request;
  count_waiting(taken, 1);
  ++counters_.requests;
  counters_.prompt_tokens += taken.prompt.size();
}

void Engine::cancel(std::uint64_t id) {
  for (Conversations* list : {&waiting_, &running_}) {
    for (const auto& conversation : *list) {
      if (conversation->id == id && !conversation->answer.ended()) conversation->answer.end("cancelled");
    }
  }
}

void Engine::fail_all(const std::string& error) {
  for (Conversations* list : {&waiting_, &running_}) {
    for (const auto& conversation : *list) {
      if (!conversation->answer.ended()) conversation->answer.end("error", error);
    }
  }
  remove_ended();
}

void Engine::end_early() {
  const auto now = std::chrono::steady_clock::now();
  for (Conversations* list : {&waiting_, &running_}) {
    for (const auto& conversation : *list) {
      const EngineRequest& request = conversation->request;
      if (conversation->answer.ended()) continue;
      if (request.options.cancel != nullptr && request.options.cancel->load()) {
        conversation->answer.end("cancelled");
      } else if (request.deadline && now >= *request.deadline) {
        conversation->answer.end("timeout");
      }
    }
  }
  remove_ended();
}

// Who comes next: those who had begun already, then those of clients with the least under way, in order.
std::vector<Engine::Conversations::iterator> Engine::by_turn() {
  std::map<std::string_view, std::int64_t> under_way;
  for (const auto& conversation : running_) ++under_way[conversation->request.client];
  std::vector<Conversations::iterator> order;
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) order.push_back(it);
  std::ranges::stable_sort(order, {}, [&](Conversations::iterator it) {
    return (*it)->started ? -1 : under_way[(*it)->request.client];
  });
  return order;
}

void Engine::admit() {
  for (bool again = true; again;) {
    again = false;
    if (waiting_.empty() || std::ssize(running_) >= options_.max_sequences) return;
    for (const Conversations::iterator it : by_turn()) {
      Conversation& conversation = **it;
      const Start outcome = start(conversation);
      if (outcome == Start::no_room) return;
      if (outcome == Start::later) continue;
      count_waiting(conversation.request, -1);
      running_.splice(running_.end(), waiting_, it);
      again = true;
      break;
    }
  }
}

// Takes the pages of all that is known of the conversation, and of its next token.
Engine::Start Engine::start(Conversation& conversation) {
  conversation.extend_content();
  const PageContent content(conversation.content);
  const auto size = static_cast<std::size_t>(Decoding::page_size);
  std::vector<std::int32_t> pages;
  if (options_.reuse) {
    pages = pages_.reuse(content.first(content.size() - 1));
    // What another one is about to compute is waited for.
    const std::size_t next = (pages.size() + 1) * size;
    const bool soon_known = next < content.size() && std::ranges::any_of(running_, [&](const auto& other) {
                              return other->unread() > 1 && common_beginning(content, other->content) >= next;
                            });
    if (soon_known) {
      pages_.release(pages);
      return Start::later;
    }
  }
  const auto needed = static_cast<std::size_t>(Decoding::pages_for(conversation.tokens() + 1));
  if (pages_.unused() < static_cast<std::int64_t>(needed - pages.size())) {
    pages_.release(pages);
    return Start::no_room;
  }
  conversation.published = pages.size();
  conversation.computed = static_cast<std::int64_t>(pages.size() * size);
  while (pages.size() < needed) pages.push_back(*pages_.take());
  conversation.pages = std::move(pages);
  if (!conversation.started) {
    conversation.answer.found_in_cache(conversation.computed);
    counters_.cached_tokens += static_cast<std::uint64_t>(conversation.computed);
  }
  conversation.started = true;
  return Start::now;
}

void Engine::let_go(Conversation& conversation) {
  pages_.release(conversation.pages);
  conversation.pages.clear();
  conversation.published = 0;
  conversation.computed = 0;
  for (PlacedPicture& picture : conversation.pictures) pictures_.release(picture);
}

// One more in the queue, or one less: `by` is 1 or -1.
void Engine::count_waiting(const EngineRequest& request, std::int64_t by) {
  waiting_tokens_ += by * std::ssize(request.prompt);
  waiting_bytes_ += by * request.picture_bytes();
}

// Gives its pages back; it goes to the front of the queue.
void Engine::preempt(Conversation& conversation) {
  let_go(conversation);
  ++counters_.preempted;
  count_waiting(conversation.request, 1);
  const auto it = std::ranges::find_if(running_, [&](const auto& one) { return one.get() == &conversation; });
  waiting_.splice(waiting_.begin(), running_, it);
}

void Engine::remove_ended() {
  Conversations ended;
  for (Conversations* list : {&waiting_, &running_}) {
    for (auto it = list->begin(); it != list->end();) {
      const auto here = it++;
      if (!(*here)->answer.ended()) continue;
      if (list == &waiting_) count_waiting((*here)->request, -1);
      let_go(**here);
      ended.splice(ended.end(), *list, here);
    }
  }
  for (const auto& conversation : ended) {
    GenerateResult result = conversation->answer.finish();
    ++(result.finish_reason == "error"                                            ? counters_.failed
       : result.finish_reason == "cancelled" || result.finish_reason == "timeout" ? counters_.cancelled
                                                                                  : counters_.finished);
    if (conversation->listener.on_end) conversation->listener.on_end(std::move(result));
  }
}

EngineCounters Engine::counters() const {
  EngineCounters counters = counters_;
  counters.running = std::ssize(running_);
  counters.waiting = std::ssize(waiting_);
  counters.waiting_tokens = waiting_tokens_;
  counters.waiting_bytes = waiting_bytes_;
  counters.pages = pages_.pages();
  counters.pages_used = pages_.used();
  counters.pages_cached = pages_.published_unused();
  counters.pictures = pictures_.computed();
  counters.pictures_reused = pictures_.reused();
  return counters;
}

}  // namespace artemis
