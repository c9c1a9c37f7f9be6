#include "artemis/text/jinja_template.h"

#include "artemis/core/error.h"
#include "artemis/text/jinja_interpreter.h"
#include "artemis/text/jinja_parser.h"

namespace artemis {

JinjaTemplate JinjaTemplate::parse(std::string_view source, std::string_view where) {
  return JinjaTemplate(std::make_shared<const jinja::Template>(jinja::parse_template(source, where)));
}

std::string JinjaTemplate::render(const Json& variables, const JinjaLimits& limits) const {
  return render_with_spans(variables, limits).text;
}

JinjaRendering JinjaTemplate::render_with_spans(const Json& variables, const JinjaLimits& limits) const {
  require(variables.is_object() || variables.is_null(), parsed_->where,
          "the variables are {}, expected an object", variables.type_name());
  return jinja::Interpreter(*parsed_, limits).render(variables);
}

}  // namespace artemis
