// Tokenizer MB/s. Bound by reading the text once.
#include "artemis/io/atomic_file.h"
#include "artemis/text/tokenizer.h"
#include "bench.h"

namespace artemis::bench {

void bench_text(std::vector<Line>& lines, const Ceilings& ceilings) {
  const std::string root = ARTEMIS_SOURCE_DIR;
  const Tokenizer tokenizer = Tokenizer::load(root + "/lab/quickstart/text");
  std::string text;
  for (const char* file : {"/README.md", "/CONTRIBUTING.md", "/docs/architecture.md", "/LICENSE"}) {
    text += read_file(root + file);
  }
  while (text.size() < (std::size_t{1} << 20)) text += text;
  const double seconds = median_seconds([&] { static_cast<void>(tokenizer.encode(text, false)); });
  const double rate = static_cast<double>(text.size()) / seconds;
  lines.push_back(
      {"tokenizer, English text, one thread", rate / 1e6, "MB/s", rate / 1e9, ceilings.read, "GB/s"});
}

}  // namespace artemis::bench
