#include "artemis/generate/conversation.h"

#include <algorithm>

#include "artemis/model/vision_tower.h"

namespace artemis {

Engine::Conversation::Conversation(std::uint64_t number, EngineRequest asked, AnswerListener listens,
                                   const Tokenizer& tokenizer, const GraftConfig& config)
    : id(number),
      request(std::move(asked)),
      listener(std::move(listens)),
      answer(tokenizer, request, [this](const AnswerPiece& piece) {
        if (listener.on_piece) listener.on_piece(piece);
      }) {
  first_image.push_back(0);
  if (request.pictures.empty()) return;
  for (std::size_t i = 0; i < request.prompt.size(); ++i) {
    if (request.prompt[i] == config.image_token_id) image_places.push_back(static_cast<std::int64_t>(i));
  }
  for (const EnginePicture& picture : request.pictures) {
    pictures.push_back({.patches = &picture.patches,
                        .name = picture_name(picture.key),
                        .tokens = image_tokens(*config.vision, picture.patches),
                        .pages = {}});
    first_image.push_back(first_image.back() + pictures.back().tokens);
  }
}

void Engine::Conversation::extend_content() {
  const std::span<const std::int32_t> history = answer.history();
  auto image = static_cast<std::size_t>(images_before(std::ssize(content)));
  std::size_t picture = 0;
  for (std::size_t i = content.size(); i < history.size(); ++i) {
    if (image < image_places.size() && image_places[image] == static_cast<std::int64_t>(i)) {
      const auto at = static_cast<std::int64_t>(image++);
      while (first_image[picture + 1] <= at) ++picture;
      const PictureName& name = pictures[picture].name;
      content.push_back(name[static_cast<std::size_t>(at - first_image[picture]) % name.size()]);
    } else {
      content.push_back(history[i]);
    }
  }
}

std::int64_t Engine::Conversation::images_before(std::int64_t place) const {
  return std::ranges::lower_bound(image_places, place) - image_places.begin();
}

}  // namespace artemis
