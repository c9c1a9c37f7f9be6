// value[begin:end:step].
#pragma once

#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

// A part of a string, list, tuple or range as Python slices it; each bound is
// an integer or None. Undefined for other values and bounds.
Value slice(Heap& heap, const Value& value, const Value& begin, const Value& end, const Value& step);

}  // namespace artemis::jinja
