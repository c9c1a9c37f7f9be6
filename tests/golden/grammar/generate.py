"""Documents for the schemas of schemas.json, judged by the Python package jsonschema (draft 2020-12).

    python3 generate.py    writes cases.json

For each schema: `ordered`, documents made from it with keys in its order, which a grammar must take; `valid` and
`invalid`, what jsonschema says of those after a change somewhere.
"""
import json
import pathlib
import random
import re

import jsonschema

HERE = pathlib.Path(__file__).parent
rng = random.Random(7)
TEXTS = ["", "a", "ab", "cat", "dogma", "é", "😀😀", "x\"y", "\\", "line\nbreak", "\u001f", "tab\t", "red",
         "longer text", "/"]
FORMATS = {
    "date": ["2024-02-29", "1999-12-31", "0001-01-01", "2000-02-29", "2023-04-30"],
    "time": ["12:30:45Z", "23:59:59.5+02:00", "00:00:00-11:30"],
    "date-time": ["2024-02-29T12:30:45Z", "1999-12-31T23:59:59.123+01:00"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "ABCDEF00-0000-0000-0000-00000000000f"],
    "email": ["a@b.de", "first.last+tag@sub-domain.example.org"],
    "ipv4": ["0.0.0.0", "255.1.20.199"],
}
WRONG_FORMATS = {
    "date": ["2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "2024-04-31", "24-01-01", "0000-01-01"],
    "time": ["24:00:00Z", "12:60:00Z", "12:30"],
    "date-time": ["2024-02-30T12:30:45Z", "2024-02-29 12:30", "2024-02-29T25:00:00Z"],
    "uuid": ["123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"],
    "email": ["a.b.de", ""],
    "ipv4": ["256.1.1.1", "1.2.3", "01.2.3.4.5"],
}
PATTERN_TEXTS = ["abc", "AB-123", "XY-12345.6", "", "foo", "foobarbaz", "a cat!", "dog days", "hot dog", "aé",
                 "\"\\\n\t/", "1.22.333.4", "éç", "中国", "€à", "x y", "foo bar_1", "ab", "abca", "abcdef", "a", "zzz",
                 "A1-123", "q\"", "xyz", "ab\ncat"]


def resolve(schema, root):
    while isinstance(schema, dict) and "$ref" in schema:
        target = root
        for part in schema["$ref"][1:].split("/")[1:]:
            target = target[part.replace("%20", " ").replace("~1", "/").replace("~0", "~")]
        rest = {k: v for k, v in schema.items() if k not in ("$ref", "$defs", "definitions")}
        schema = {**target, **rest} if rest else target
    return schema


def number(schema, integer):
    low = schema.get("minimum", schema.get("exclusiveMinimum", -30))
    high = schema.get("maximum", schema.get("exclusiveMaximum", max(low, 0) + 300))
    low = min(low, high)
    for _ in range(1000):
        value = rng.uniform(low, high)
        rounded = [round(value), round(value)] if integer else [round(value, 1), round(value, 3), round(value)]
        value = rng.choice([low, high] + rounded)
        if isinstance(value, float) and (integer or value == int(value)) and abs(value) < 1e15:
            value = int(value)
        if jsonschema.Draft202012Validator(schema).is_valid(value):
            return value
    raise ValueError(schema)


def instance(schema, root, depth=0):
    """A document in the order of the schema; raises ValueError where it finds none."""
    schema = resolve(schema, root)
    if schema is True or schema == {}:
        return rng.choice([1, "x", None, True, [], {}, [1, {"a": [0.5]}], {"k": "v"}])
    if schema is False:
        raise ValueError
    if "allOf" in schema:
        parts = [resolve(s, root) for s in schema["allOf"]]
        merged = {k: v for k, v in schema.items() if k != "allOf"}
        for part in parts:
            for key, value in part.items():
                if key == "properties":
                    have = merged.setdefault("properties", {})
                    merged["properties"] = {**have, **{k: {**have.get(k, {}), **v} for k, v in value.items()}}
                elif key == "required":
                    merged["required"] = merged.get("required", []) + value
                elif key == "enum" and "enum" in merged:
                    merged["enum"] = [v for v in merged["enum"] if v in value]
                elif key not in ("additionalProperties",):
                    merged[key] = value
        return instance(merged, root, depth)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            rest = {k: v for k, v in schema.items() if k not in (key, "$defs", "definitions")}
            choices = schema[key]
            if depth > 4:  # the one that ends
                choices = choices[-1:] if choices[-1] == {"type": "null"} else choices[:1]
            choice = rng.choice(choices)
            choice = resolve(choice, root)
            return instance({**rest, **choice} if rest else choice, root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice([v for v in schema["enum"] if schema.get("type") != "string" or isinstance(v, str)])
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        kind = rng.choice(kind)
    if kind == "null":
        return None
    if kind == "boolean":
        return rng.random() < 0.5
    if kind in ("integer", "number"):
        return number({k: v for k, v in {**schema, "type": kind}.items() if k != "items"}, kind == "integer")
    if kind == "string":
        if "format" in schema:
            return rng.choice(FORMATS[schema["format"]])
        if "pattern" in schema:
            pattern = schema["pattern"].replace("\\d", "[0-9]")
            fitting = [t for t in PATTERN_TEXTS if re.search(pattern, t)]
            return rng.choice(fitting)
        low = schema.get("minLength", 0)
        high = schema.get("maxLength", low + 8)
        texts = [t for t in TEXTS if low <= len(t) <= high]
        made = "".join(rng.choice("abé😀\"\\\n /") for _ in range(rng.randint(low, high)))
        return rng.choice(texts + [made])
    if kind == "array":
        prefix = schema.get("prefixItems", [])
        low = schema.get("minItems", 0)
        closed = schema.get("items") is False or (prefix and "items" not in schema)
        high = schema.get("maxItems", len(prefix) if closed else low + len(prefix) + 2)
        count = rng.randint(low, high) if depth < 4 else low
        schemas = [prefix[i] if i < len(prefix) else schema.get("items", True) for i in range(count)]
        return [instance(s, root, depth + 1) for s in schemas]
    result = {}
    properties = dict(schema.get("properties", {}))
    for name in schema.get("required", []):
        properties.setdefault(name, schema.get("additionalProperties", True))
    for name, value in properties.items():
        if name in schema.get("required", []) or (rng.random() < 0.6 and value is not False):
            result[name] = instance(value, root, depth + 1)
    extra = schema.get("additionalProperties", not properties and "properties" not in schema)
    if extra is not False:
        low = schema.get("minProperties", 0)
        high = schema.get("maxProperties", 3)
        names = ["abd", "a", "ab", "z", "", "bé", "ê", "key with space", "abcd", "é"]
        names = [n for n in names if n not in properties]
        for name in rng.sample(names, rng.randint(low, max(low, high))):
            result[name] = instance(extra, root, depth + 1)
    return result


def changed(value):
    """The document with one change somewhere."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(list(value))
        copy = dict(value)
        what = rng.random()
        if what < 0.25:
            del copy[key]
        elif what < 0.4:
            copy["extra"] = rng.choice([1, "x", None])
        else:
            copy[key] = changed(value[key])
        return copy
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        what = rng.random()
        if what < 0.2:
            return value[:at] + value[at + 1:]
        if what < 0.4:
            return value[:at] + [value[at]] + value[at:]
        return value[:at] + [changed(value[at])] + value[at + 1:]
    if isinstance(value, bool) or value is None:
        return rng.choice([1, "true", None, [], False, {}])
    if isinstance(value, (int, float)) and rng.random() < 0.8:
        return rng.choice([value + 1, value - 1, -value, value * 10, value + 0.5, value * 1000 + 7])
    if isinstance(value, str) and rng.random() < 0.8:
        at = rng.randint(0, len(value))
        return rng.choice([value[:at] + rng.choice("ax1 \"é-") + value[at:], value[:at] + value[at + 1:], value * 2])
    return rng.choice([None, 0, -1, 3.5, "q", [], {}, True, [None], {"q": 1}])


def text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


cases = []
for schema in json.loads((HERE / "schemas.json").read_text()):
    checker = jsonschema.FormatChecker(["date", "uuid", "email", "ipv4"])
    validator = jsonschema.Draft202012Validator(schema, format_checker=checker)
    is_format = isinstance(schema, dict) and "format" in schema
    ordered = {text(instance(schema, schema)) for _ in range(12)}
    if is_format:
        ordered = {text(t) for t in FORMATS[schema["format"]]}
    case = {"schema": schema, "ordered": sorted(ordered, key=lambda t: (len(t), t)), "valid": [], "invalid": []}
    for document in case["ordered"]:
        assert validator.is_valid(json.loads(document)), (schema, document)
    seen = set(ordered)
    if is_format:
        others = [text(t) for t in WRONG_FORMATS[schema["format"]]]
        if schema["format"] in checker.checkers and schema["format"] != "email":
            assert not any(validator.is_valid(json.loads(t)) for t in others), schema
        case["invalid"] = others
    else:
        for _ in range(40):
            document = text(changed(json.loads(rng.choice(case["ordered"]))))
            if document in seen or re.search(r"\d[eE]", document):
                continue
            seen.add(document)
            case["valid" if validator.is_valid(json.loads(document)) else "invalid"].append(document)
        case["valid"] = case["valid"][:6]
        case["invalid"] = case["invalid"][:12]
    cases.append(case)
(HERE / "cases.json").write_text("[\n" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]\n")
print(len(cases), "schemas,", *(f"{sum(len(c[k]) for c in cases)} {k}" for k in ("ordered", "valid", "invalid")))
