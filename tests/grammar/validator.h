// Whether a document fits a schema, said without any grammar: the measure for grammars. It is measured itself
// by what the Python package jsonschema says (tests/golden/grammar).
#pragma once

#include "artemis/io/json.h"

namespace artemis {

bool fits_schema(const Json& document, const Json& schema, const Json& root);

}  // namespace artemis
