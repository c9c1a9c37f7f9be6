#include "artemis/text/tokenizer.h"

#include <fmt/format.h>

#include <memory>

#include "artemis/cli/commands.h"
#include "artemis/core/error.h"
#include "artemis/io/atomic_file.h"
#include "artemis/io/jsonl.h"
#include "artemis/text/chat_template.h"
#include "artemis/text/tokenizer_trainer.h"

namespace artemis {
namespace {

struct Options {
  std::vector<std::string> data;
  std::string out;
  std::int64_t vocab_size = 0;
  std::int64_t min_frequency = 2;
  std::vector<std::string> special_tokens = default_added_tokens();
  // A word holds what is written as one, compounds such as "small+cyan" too.
  std::string pattern = R"( ?[\p{L}\p{N}+_'-]+| ?[^\s\p{L}\p{N}]+|\s+)";
  std::string chat_template;
};

// The lines of the file, if a single word names one; else the words.
std::vector<std::string> special_tokens(const std::vector<std::string>& words) {
  if (words.size() != 1 || !std::filesystem::is_regular_file(words[0])) return words;
  std::vector<std::string> lines;
  const std::string text = read_file(words[0]);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// The text of a message: its content, or that of its text parts.
std::string content_of(const Json& message, const std::string& where) {
  const Json content = message.value("content", Json());
  if (content.is_null()) return {};
  if (content.is_string()) return content.get<std::string>();
  require(content.is_array(), where, "a message's content is {}, expected a string or a list of parts",
          content.type_name());
  std::string text;
  for (const Json& part : content) text += json_get_or<std::string>(part, "text", where, "");
  return text;
}

// A row of "text", or of "messages": each is the line with its role, as chat templates write it, and its
// content.
void add_row(TokenizerTrainer& trainer, const Json& row, const std::string& where) {
  if (!row.is_object() || !row.contains("messages")) {
    trainer.add(json_get<std::string>(row, "text", where));
    return;
  }
  require(row["messages"].is_array(), where, "'messages' is {}, expected a list",
          row["messages"].type_name());
  for (const Json& message : row["messages"]) {
    const auto role = json_get<std::string>(message, "role", where);
    trainer.add(role + "\n" + content_of(message, where));
  }
}

void add_file(TokenizerTrainer& trainer, const std::string& file) {
  if (!file.ends_with(".jsonl")) {
    trainer.add(read_file(file));
    return;
  }
  JsonlReader reader(file);
  while (const auto line = reader.next()) {
    add_row(trainer, line->value, fmt::format("{}, line {}", file, line->number));
  }
}

void run(const Options& options) {
  TokenizerTrainer trainer(special_tokens(options.special_tokens), options.pattern);
  for (const std::string& file : options.data) add_file(trainer, file);
  require(trainer.pieces() > 0, options.data.front(), "the data holds no text");
  StagedDirectory directory(options.out);
  const Json tokenizer = trainer.train(options.vocab_size, options.min_frequency);
  write_file_atomically(directory.path() / "tokenizer.json", tokenizer.dump(2) + "\n");
  write_file_atomically(directory.path() / "tokenizer_config.json", trainer.config().dump(2) + "\n");
  if (!options.chat_template.empty()) {
    write_file_atomically(directory.path() / "chat_template.jinja", read_file(options.chat_template));
    ChatTemplate::load(directory.path());  // it can be read
  }
  const std::int64_t size = Tokenizer::load(directory.path()).vocab_size();
  directory.commit();
  fmt::print("{}: {} tokens, {} of them merged, from {} different pieces\n", options.out, size,
             tokenizer["model"]["merges"].size(), trainer.pieces());
}

}  // namespace

void add_tokenizer_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("tokenizer", "Learn a byte-level BPE tokenizer from text");
  command
      ->add_option("--data", options->data,
                   "Files: .jsonl with a \"text\" or \"messages\" a line, anything else plain text")
      ->required();
  command->add_option("--out", options->out, "Directory to write; must not exist")->required();
  command->add_option("--vocab-size", options->vocab_size, "Number of tokens with special ones and 256 bytes")
      ->required();
  command->add_option("--min-frequency", options->min_frequency, "Leave pairs that are seldomer alone")
      ->capture_default_str();
  command->add_option("--special-tokens", options->special_tokens,
                      "Tokens in the order of their ids, or a file with one a line; ids 14 to 23 are a "
                      "graft's own, <think> to <|video_pad|>");
  command->add_option("--pattern", options->pattern, "Regular expression of the pieces that text is cut into")
      ->capture_default_str();
  command->add_option("--chat-template", options->chat_template, "Jinja file to put beside the tokenizer");
  command->footer("Example:  artemis tokenizer --data corpus.jsonl --vocab-size 1024 --out DIR");
  command->callback([options] { run(*options); });
}

}  // namespace artemis
