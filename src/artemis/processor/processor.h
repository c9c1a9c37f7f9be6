// Messages and pictures become token ids and patches (ArtemisVLMProcessor).
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "artemis/image/preprocess.h"
#include "artemis/model/batch.h"
#include "artemis/model/config.h"
#include "artemis/text/chat_template.h"
#include "artemis/text/stream_decoder.h"
#include "artemis/text/tokenizer.h"

namespace artemis {

// A picture file held in memory.
struct PictureFile {
  std::string bytes;
  std::string name;  // for messages
};

class Processor {
 public:
  // From a model directory: tokenizer, chat template (if there is one) and, for a graft, the image processor.
  static Processor load(const std::filesystem::path& model_directory, const GraftConfig& config);

  const Tokenizer& tokenizer() const { return tokenizer_; }
  // Throws Error when the model directory has no chat template.
  const ChatTemplate& chat_template() const;
  // Throw Error for a bare decoder.
  const PreprocessorConfig& image_config() const;
  PreprocessorConfig& image_config();
  DecodeOptions& decode_options() { return decode_options_; }

  // The patches of the pictures, in order. Throws Error for a bare decoder or a picture that cannot be read.
  PictureBatch preprocess(std::span<const PictureFile> files, ThreadPool& pool) const;

  // Token ids of rendered text in which the i-th <|image_pad|> stands for picture i and grows to the number
  // of its merged tokens. Throws Error with both counts when there are more of them than pictures; `all_used`
  // refuses fewer.
  std::vector<std::int32_t> encode(std::string_view rendered, const PictureBatch& pictures,
                                   bool all_used) const;

 private:
  Processor(Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}

  Tokenizer tokenizer_;
  std::optional<ChatTemplate> chat_template_;
  std::optional<PreprocessorConfig> image_config_;
  DecodeOptions decode_options_;
  std::int64_t merge_length_ = 1;
  std::string directory_;
};

// Checks the form of a list of chat messages: objects with a role, content a string or a list of text and
// image parts. Throws Error naming the message.
void check_messages(const Json& messages, std::string_view where);

}  // namespace artemis
