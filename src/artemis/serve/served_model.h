// The model that a server answers with, as its requests see it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "artemis/generate/generator.h"
#include "artemis/grammar/token_bytes.h"

namespace artemis {

// May be used by several threads at once. `config` and `processor` must outlive it.
class ServedModel {
 public:
  // `max_tokens`: of a prompt and its answer, at most the model's context.
  ServedModel(std::string name, const std::filesystem::path& directory, const GraftConfig& config,
              const Processor& processor, std::int64_t max_tokens);

  const std::string& name() const { return name_; }
  const GraftConfig& config() const { return config_; }
  const Processor& processor() const { return processor_; }
  const Tokenizer& tokenizer() const { return processor_.tokenizer(); }
  const GenerationDefaults& defaults() const { return defaults_; }
  std::int64_t max_tokens() const { return max_tokens_; }
  bool takes_pictures() const { return config_.vision.has_value(); }
  bool has_template() const { return has_template_; }

  // Null for a tokenizer that no grammar can be held against.
  const std::shared_ptr<const TokenBytes>& token_bytes() const { return token_bytes_; }
  // The tags that an answer is read by, where the model has them as special tokens: they stay in its text.
  const std::vector<std::int32_t>& shown_tokens() const { return shown_tokens_; }
  // The bytes that a token stands for; the spelling of an added token.
  std::string bytes_of(std::int32_t id) const;
  // No token stands for more bytes of text.
  std::size_t longest_token() const { return longest_token_; }

 private:
  std::string name_;
  const GraftConfig& config_;
  const Processor& processor_;
  GenerationDefaults defaults_;
  std::int64_t max_tokens_;
  bool has_template_ = true;
  std::shared_ptr<const TokenBytes> token_bytes_;
  std::vector<std::int32_t> shown_tokens_;
  std::size_t longest_token_ = 0;
};

}  // namespace artemis
