#include "artemis/processor/processor.h"

namespace artemis {
namespace {

constexpr std::string_view image_token = "<|image_pad|>";

bool has_chat_template(const std::filesystem::path& directory) {
  if (std::filesystem::exists(directory / "chat_template.jinja") ||
      std::filesystem::exists(directory / "chat_template.json")) {
    return true;
  }
  const std::filesystem::path file = directory / "tokenizer_config.json";
  return std::filesystem::exists(file) && read_json(file).contains("chat_template");
}

}  // namespace

Processor Processor::load(const std::filesystem::path& model_directory, const GraftConfig& config) {
  Processor processor(Tokenizer::load(model_directory));
  processor.directory_ = model_directory.string();
  if (has_chat_template(model_directory)) processor.chat_template_ = ChatTemplate::load(model_directory);
  if (config.vision) {
    processor.merge_length_ = config.vision->merge_length();
    processor.image_config_ =
        load_preprocessor_config(model_directory, {.patch = config.vision->patch_size,
                                                   .temporal = config.vision->temporal_patch_size,
                                                   .merge = config.vision->spatial_merge_size});
    const std::int32_t id = processor.tokenizer_.token_to_id(image_token).value_or(-1);
    require(id == config.image_token_id, processor.directory_,
            "the tokenizer's '{}' has id {}, config.json says {}", image_token, id, config.image_token_id);
  }
  return processor;
}

const ChatTemplate& Processor::chat_template() const {
  require(chat_template_.has_value(), directory_, "has no chat template, expected chat_template.jinja");
  return *chat_template_;
}

const PreprocessorConfig& Processor::image_config() const {
  require(image_config_.has_value(), directory_,
          "is a text model without a vision tower, so it takes no pictures");
  return *image_config_;
}

PreprocessorConfig& Processor::image_config() {
  static_cast<void>(std::as_const(*this).image_config());
  return *image_config_;
}

PictureBatch Processor::preprocess(std::span<const PictureFile> files, ThreadPool& pool) const {
  if (files.empty()) return {};
  std::vector<EncodedImage> images;
  for (const PictureFile& file : files) images.push_back({std::as_bytes(std::span(file.bytes)), file.name});
  PatchedImages patched = artemis::preprocess(images, image_config(), pool, decode_options_);
  return {std::move(patched.pixel_values), std::move(patched.grid_thw)};
}

std::vector<std::int32_t> Processor::encode(std::string_view rendered, const PictureBatch& pictures,
                                            bool all_used) const {
  std::string text;
  std::size_t used = 0;
  std::size_t begin = 0;
  for (std::size_t at; (at = rendered.find(image_token, begin)) != std::string_view::npos;
       begin = at + image_token.size(), ++used) {
    text += rendered.substr(begin, at - begin);
    if (used >= pictures.grid_thw.size()) continue;  // counted, and refused below
    const auto& [frames, rows, columns] = pictures.grid_thw[used];
    for (std::int64_t i = 0; i < frames * rows * columns / merge_length_; ++i) text += image_token;
  }
  text += rendered.substr(begin);
  const std::size_t given = pictures.grid_thw.size();
  require(used <= given && !(all_used && used < given), "pictures",
          "the messages have {} place{} for a picture, {} {} given", used, used == 1 ? "" : "s", given,
          given == 1 ? "was" : "were");
  return tokenizer_.encode(text, true);
}

void check_messages(const Json& messages, std::string_view where) {
  require(messages.is_array() && !messages.empty(), where, "expected a list of messages, found {}",
          messages.is_array() ? "an empty one" : messages.type_name());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Json& message = messages[i];
    require(message.is_object() && message.contains("role") && message["role"].is_string(), where,
            "message {} is no object with a 'role'", i);
    if (!message.contains("content") || !message["content"].is_array()) continue;
    for (const Json& part : message["content"]) {
      require(part.is_object() && part.contains("type") && part["type"].is_string(), where,
              "message {} has a content part without a 'type'", i);
    }
  }
}

}  // namespace artemis
