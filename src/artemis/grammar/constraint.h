// What an answer may say: a grammar over bytes, and the tokens that go on within it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "artemis/grammar/machine.h"
#include "artemis/grammar/token_bytes.h"
#include "artemis/io/json.h"

namespace artemis {

// Any JSON object. Between the parts of JSON stands nothing, one space, or a new line with at most 40 spaces.
std::shared_ptr<const Grammar> json_object_grammar();

// A JSON value that fits the schema, as far as OpenAI's strict mode knows schemas: type (or several),
// properties (in the order of the schema; those not required may be left out), required, additionalProperties
// (where properties are named and this is absent: none), minProperties, maxProperties, items, prefixItems,
// minItems, maxItems, enum, const, anyOf, oneOf (taken as anyOf), allOf, $ref within the schema, also to
// itself, minLength, maxLength, pattern (see pattern.h), format (date, time, date-time, uuid, email,
// hostname, ipv4, uri), minimum, maximum and their exclusive forms, nullable. A number with bounds has no
// exponent. What binds a value and cannot be enforced is refused: throws Error that names the place as a JSON
// pointer.
std::shared_ptr<const Grammar> json_schema_grammar(const Json& schema);

// A call of one of these OpenAI tools (a list of {type, function: {name, parameters}}), of the one called
// `name` where that is not empty; several calls, with a line end between two, where `parallel`:
//
//   <tool_call>
//   <function=NAME>
//   <parameter=KEY>
//   VALUE
//   </parameter>
//   </function>
//   </tool_call>
//
// Parameters come in the order of their schema, the required ones always. A string is written as it is, and
// does not hold "</parameter>"; one with a pattern, a format or bounds holds no '<'. Other values are JSON as
// the schema has it. Throws Error as json_schema_grammar does.
std::shared_ptr<const Grammar> tool_call_grammar(const Json& tools, std::string_view name, bool parallel);

// Any text, in which <tool_call> begins a call of one of these tools: of a tool with `strict: true` as
// tool_call_grammar has it, of any other up to </tool_call> with arguments of any form. With `parallel` text
// and calls go on behind it, else the answer ends there. Throws Error as tool_call_grammar does, for strict
// tools.
std::shared_ptr<const Grammar> text_or_calls_grammar(const Json& tools, bool parallel);

// A JSON value that fits the schema (null: any JSON object), or calls of these tools as text_or_calls_grammar
// has them, without text. No string of the JSON holds "</", so that it holds no call. Throws Error as the
// others do.
std::shared_ptr<const Grammar> json_or_calls_grammar(const Json* schema, const Json& tools, bool parallel);

// Any text up to the tag, which comes as one token or spelled out; behind it two line ends at most, and what
// `form` allows. With `may_end` the answer may also end before the tag.
std::shared_ptr<const Grammar> behind_text(const Grammar& form, std::string_view tag, bool may_end);

// One answer on its way through a grammar. Not for several threads at once; a copy goes its own way.
//
// As long as the vocabulary has a token for each byte, either may_end() holds or some token is allowed. All
// may throw Error for a text that a grammar can read in more ways than can be followed.
class Constraint {
 public:
  Constraint(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenBytes> tokens);

  // Sets bit t % 32 of word t / 32 for every token t whose bytes keep the text within the grammar, clears all
  // others; (vocab + 31) / 32 words. Added tokens are never allowed but where the grammar names them.
  void allowed(std::span<std::uint32_t> mask);
  // Whether the text so far is complete. More may be allowed all the same.
  bool may_end() const { return !heads_.empty() && heads_.back().node == Grammar::none; }
  // Takes a token; false, and nothing changed, where it is not allowed.
  bool accept(std::int32_t token);

  // Where the answer stands, and back to there: for tokens taken on trial.
  const Heads& mark() const { return heads_; }
  void rewind(Heads mark) { heads_ = std::move(mark); }

  const TokenBytes& tokens() const { return *tokens_; }

 private:
  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<const TokenBytes> tokens_;
  Machine machine_;
  Heads heads_;
};

}  // namespace artemis
