// Jinja templates as Hugging Face renders chat templates: jinja2's immutable
// sandbox with trim_blocks, lstrip_blocks, loop controls, the `generation` tag,
// raise_exception, strftime_now and its own tojson.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/io/json.h"

namespace artemis {

namespace jinja {
struct Template;
}

// Bounds of one rendering, so that a hostile template ends with an Error.
// Steps, output and memory grow with the variables given, so that long
// conversations fit.
struct JinjaLimits {
  std::int64_t steps = 400'000;         // nodes evaluated, items visited, 32-byte pieces of text handled
  std::int64_t output_bytes = 4 << 20;  // text written
  std::int64_t memory_bytes = 8 << 20;  // values alive at one time
  int depth = 800;                      // nodes being evaluated within one another
  int calls = 150;                      // macros being called within one another
  std::optional<std::int64_t> now;      // seconds since 1970 for strftime_now; the clock when absent
};

// Text, and the byte ranges [begin, end) written inside `generation` blocks.
struct JinjaRendering {
  std::string text;
  std::vector<std::pair<std::size_t, std::size_t>> generated;
};

class JinjaTemplate {
 public:
  // Parses a template; `where` names it in errors. Throws Error with the line
  // of a fault.
  static JinjaTemplate parse(std::string_view source, std::string_view where);

  // The text for the variables (an object). Throws Error with the line where
  // the template fails, calls raise_exception or passes a limit.
  std::string render(const Json& variables, const JinjaLimits& limits = {}) const;

  // As render, with the places of the `generation` blocks.
  JinjaRendering render_with_spans(const Json& variables, const JinjaLimits& limits = {}) const;

 private:
  explicit JinjaTemplate(std::shared_ptr<const jinja::Template> parsed) : parsed_(std::move(parsed)) {}

  std::shared_ptr<const jinja::Template> parsed_;
};

}  // namespace artemis
