#include "artemis/grammar/constraint.h"
#include "artemis/grammar/json_text.h"

namespace artemis {

std::shared_ptr<const Grammar> json_object_grammar() {
  static const std::shared_ptr<const Grammar> grammar = [] {
    GrammarBuilder builder;
    const JsonText json(builder);
    return builder.finish(json.object_rule());
  }();
  return grammar;
}

}  // namespace artemis
