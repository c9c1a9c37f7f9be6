#include "artemis/serve/served_model.h"

#include <algorithm>

#include "artemis/serve/reasoning.h"
#include "artemis/serve/tool_calls.h"

namespace artemis {
namespace {

std::shared_ptr<const TokenBytes> bytes_of_tokens(const Tokenizer& tokenizer, std::int64_t vocab) {
  try {
    return std::make_shared<const TokenBytes>(tokenizer, vocab);
  } catch (const Error&) {
    return nullptr;  // no byte-level tokenizer: requests that need a grammar are refused
  }
}

bool has_chat_template(const Processor& processor) {
  try {
    processor.chat_template();
    return true;
  } catch (const Error&) {
    return false;  // chat requests are refused, text completions are not
  }
}

std::vector<std::int32_t> special_tags(const Tokenizer& tokenizer) {
  std::vector<std::int32_t> tokens;
  for (const std::string_view tag : {thought_begin, thought_end, call_begin, call_end}) {
    const auto id = tokenizer.token_to_id(tag);
    if (id && tokenizer.is_special(*id)) tokens.push_back(*id);
  }
  return tokens;
}

}  // namespace

ServedModel::ServedModel(std::string name, const std::filesystem::path& directory, const GraftConfig& config,
                         const Processor& processor, std::int64_t max_tokens)
    : name_(std::move(name)),
      config_(config),
      processor_(processor),
      defaults_(read_generation_defaults(directory, config)),
      max_tokens_(std::min(max_tokens, config.text.max_position_embeddings)),
      has_template_(has_chat_template(processor)),
      token_bytes_(bytes_of_tokens(processor.tokenizer(), config.text.vocab_size)),
      shown_tokens_(special_tags(processor.tokenizer())) {
  for (std::int64_t id = 0; id < tokenizer().vocab_size(); ++id) {
    if (!tokenizer().has_token(id)) continue;
    longest_token_ = std::max(longest_token_, tokenizer().id_to_token(static_cast<std::int32_t>(id)).size());
  }
}

std::string ServedModel::bytes_of(std::int32_t id) const {
  if (token_bytes_ && id < token_bytes_->vocab() && !token_bytes_->bytes(id).empty())
    return token_bytes_->bytes(id);
  return tokenizer().has_token(id) ? tokenizer().id_to_token(id) : "";
}

}  // namespace artemis
