#include "artemis/train/collate.h"

#include <algorithm>
#include <numeric>

namespace artemis {
namespace {

bool has_both_think_tags(const std::string& text) {
  return text.find("<think>") != std::string::npos && text.find("</think>") != std::string::npos;
}

}  // namespace

Row caption_row(std::string key, PictureFile image, const std::string& caption) {
  Row row{.key = std::move(key), .messages = Json::array(), .images = {}};
  row.messages.push_back(
      {{"role", "user"},
       {"content", {{{"type", "image"}}, {{"type", "text"}, {"text", "Describe this image."}}}}});
  row.messages.push_back({{"role", "assistant"}, {"content", caption}});
  row.images.push_back(std::move(image));
  return row;
}

bool row_thinks(const Json& messages) {
  for (std::size_t i = messages.size(); i-- > 0;) {
    const Json& message = messages[i];
    if (message.value("role", "") != "assistant") continue;
    const Json content = message.value("content", Json());
    if (content.is_string()) return has_both_think_tags(content.get<std::string>());
    if (!content.is_array()) return false;
    return std::ranges::any_of(content, [](const Json& part) {
      return part.is_object() && part.contains("text") && part["text"].is_string() &&
             has_both_think_tags(part["text"].get<std::string>());
    });
  }
  return true;
}

Example make_example(const Row& row, const Processor& processor, const GraftConfig& config,
                     ThreadPool& pool) {
  check_messages(row.messages, row.key);
  Example example{
      .key = row.key, .input_ids = {}, .labels = {}, .pictures = processor.preprocess(row.images, pool)};
  const bool thinks = row_thinks(row.messages);
  const ChatTemplate& chat_template = processor.chat_template();
  const std::string whole =
      chat_template.render(row.messages, {.add_generation_prompt = false, .enable_thinking = thinks});
  Json before = row.messages;
  before.erase(before.size() - 1);
  const std::string prompt =
      chat_template.render(before, {.add_generation_prompt = true, .enable_thinking = thinks});

  example.input_ids = processor.encode(whole, example.pictures, true);
  const std::size_t prompt_length =
      std::min(processor.encode(prompt, example.pictures, false).size(), example.input_ids.size());
  example.labels = example.input_ids;
  std::fill_n(example.labels.begin(), prompt_length, ignored_label);
  std::ranges::replace(example.labels, config.image_token_id, ignored_label);
  return example;
}

Batch collate(std::span<const Example> examples) {
  Batch batch;
  std::vector<const PictureBatch*> pictures;
  batch.text.offsets.push_back(0);
  for (const Example& example : examples) {
    const auto start = static_cast<std::int32_t>(batch.text.input_ids.size());
    const auto length = static_cast<std::int32_t>(example.input_ids.size());
    batch.keys.push_back(example.key);
    pictures.push_back(&example.pictures);
    batch.text.input_ids.insert(batch.text.input_ids.end(), example.input_ids.begin(),
                                example.input_ids.end());
    batch.text.offsets.push_back(start + length);
    batch.text.positions.resize(batch.text.input_ids.size());
    std::iota(batch.text.positions.begin() + start, batch.text.positions.end(), 0);
    for (std::int32_t i = 1; i < length; ++i) {
      const std::int32_t label = example.labels[static_cast<std::size_t>(i)];
      if (label == ignored_label) continue;
      batch.supervision.rows.push_back(start + i - 1);
      batch.supervision.labels.push_back(label);
    }
  }
  batch.pictures = join_pictures(pictures);
  return batch;
}

}  // namespace artemis
