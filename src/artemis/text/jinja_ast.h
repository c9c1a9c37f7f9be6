// The syntax tree of a Jinja template.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace artemis::jinja {

struct Node;
using NodePtr = std::unique_ptr<Node>;

enum class NodeKind : std::uint8_t {
  // expressions
  none,
  boolean,
  integer,
  real,
  string,     // text
  name,       // text
  list,       // children
  tuple,      // children
  dict,       // children: key, value, key, value ...
  attribute,  // children[0].text
  item,       // children[0][children[1]]
  slice,      // children: begin, end, step, each may be null
  call,       // children[0](arguments)
  filter,     // children[0] (null: the block's text) | text(arguments)
  test,       // children[0] is text(arguments)
  negative,
  positive,
  logical_not,
  logical_and,
  logical_or,
  condition,  // children: test, then, else or null
  concat,     // children, joined by ~
  binary,     // children: left, right; text is the operator
  compare,    // children: operands; names are the operators between them
  // statements
  output,        // children, printed
  data,          // text, printed
  if_,           // children: test (null for else), body block, test, body block ...
  for_,          // children: target, iterable, filter or null, body, else body or null;
                 // flag: recursive
  set,           // children: target, value
  set_block,     // children: target, filter or null, body
  with,          // children: target, value, ..., body
  macro,         // text, names: parameters, children: defaults (null where none), body
  call_block,    // names, children: defaults, call, body
  filter_block,  // children: filter, body
  generation,    // children: body
  break_,
  continue_,
  block,  // children: statements
};

// Arguments of a call, filter or test.
struct CallArguments {
  std::vector<NodePtr> positional;
  std::vector<std::pair<std::string, NodePtr>> named;
  NodePtr star;       // *sequence
  NodePtr star_star;  // **mapping
};

struct Node {
  NodeKind kind = NodeKind::none;
  int line = 1;
  int depth = 1;              // levels of nodes below, this one included
  bool flag = false;          // the value of a boolean; a recursive loop
  bool uses_varargs = false;  // of a macro: its body names varargs, kwargs, caller
  bool uses_kwargs = false;
  bool uses_caller = false;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<NodePtr> children;
  std::vector<std::string> names;
  std::unique_ptr<CallArguments> arguments;
};

// A parsed template: a block, and its name in errors.
struct Template {
  NodePtr body;
  std::string where;
};

}  // namespace artemis::jinja
