#include <fmt/format.h>

#include <charconv>
#include <iostream>
#include <iterator>

#include "artemis/cli/commands.h"
#include "artemis/core/error.h"
#include "artemis/io/json.h"
#include "artemis/text/tokenizer.h"

namespace artemis {
namespace {

struct Options {
  std::string model;
  std::optional<std::string> text;
  std::optional<std::string> decode;
  bool no_special = false;
  bool lines = false;
};

// "1 2 3", "1,2,3" or "[1, 2, 3]".
std::vector<std::int32_t> parse_ids(const std::string& text) {
  std::vector<std::int32_t> ids;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(" ,[]\t\n", at)) != std::string::npos) {
    const std::size_t end = std::min(text.find_first_of(" ,[]\t\n", at), text.size());
    const std::string word = text.substr(at, end - at);
    std::int32_t id = 0;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc() || stop != word.data() + word.size()) {
      throw UsageError("decode", fmt::format("'{}' is no token id", word));
    }
    ids.push_back(id);
    at = end;
  }
  return ids;
}

void print(const Json& json) {
  fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void tokenize_lines(const Tokenizer& tokenizer, bool special) {
  std::string line;
  for (std::int64_t number = 1; std::getline(std::cin, line); ++number) {
    const std::string where = fmt::format("standard input, line {}", number);
    const Json value = parse_json(line, where);
    require(value.is_string(), where, "found {}, expected a JSON string", value.type_name());
    print(tokenizer.encode(value.get_ref<const std::string&>(), special));
  }
}

void run(const Options& options) {
  const Tokenizer tokenizer = Tokenizer::load(options.model);
  if (options.decode) {
    print({{"text", tokenizer.decode(parse_ids(*options.decode), options.no_special)}});
    return;
  }
  if (options.lines) {
    tokenize_lines(tokenizer, !options.no_special);
    return;
  }
  const std::string text =
      options.text ? *options.text : std::string(std::istreambuf_iterator<char>(std::cin), {});
  const std::vector<std::int32_t> ids = tokenizer.encode(text, !options.no_special);
  Json tokens = Json::array();
  for (const std::int32_t id : ids) tokens.push_back(tokenizer.id_to_token(id));
  print({{"ids", ids}, {"tokens", tokens}});
}

}  // namespace

void add_tokenize_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("tokenize", "Text to token ids, or back");
  command->add_option("--model", options->model, "Directory with tokenizer.json")->required();
  CLI::Option* text = command->add_option("--text", options->text, "Text (default: standard input)");
  CLI::Option* decode = command->add_option("--decode", options->decode, "Token ids to decode, \"1 2 3\"");
  command->add_flag(
      "--no-special", options->no_special,
      "Add no BOS or other special tokens; with --decode, leave special tokens out of the text");
  CLI::Option* lines = command->add_flag("--lines", options->lines,
                                         "One JSON string a line in, one JSON list of ids a line out");
  text->excludes(decode)->excludes(lines);
  decode->excludes(lines);
  command->footer("Example:  artemis tokenize --model DIR --text \"A red circle.\"");
  command->callback([options] { run(*options); });
}

}  // namespace artemis
