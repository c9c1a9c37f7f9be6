// A request under way in the engine.
#pragma once

#include <vector>

#include "artemis/generate/answer.h"
#include "artemis/generate/engine.h"

namespace artemis {

struct Engine::Conversation {
  Conversation(std::uint64_t number, EngineRequest asked, AnswerListener listens, const Tokenizer& tokenizer,
               const GraftConfig& config);

  std::int64_t tokens() const { return std::ssize(answer.history()); }
  // That are not in the cache.
  std::int64_t unread() const { return tokens() - computed; }
  // Whether its last token alone is unread, and that is no picture's.
  bool answering() const { return unread() == 1 && images_before(computed) == std::ssize(image_places); }
  // What the pages of all tokens but the last hold, so far as it is not yet known, is added to `content`.
  void extend_content();
  // Image tokens before this place.
  std::int64_t images_before(std::int64_t place) const;

  std::uint64_t id;
  EngineRequest request;
  AnswerListener listener;
  Answer answer;
  std::vector<std::int64_t> image_places;  // of the image tokens in the prompt
  std::vector<PlacedPicture> pictures;
  std::vector<std::int64_t>
      first_image;                    // of each picture, and one more: how many image tokens come before it
  std::vector<std::int64_t> content;  // of pages, for each token
  std::vector<std::int32_t> pages;
  std::size_t published = 0;  // of the pages
  std::int64_t computed = 0;  // tokens in the cache
  bool started = false;       // has been running
};

}  // namespace artemis
