"""Tools and conversations that every chat template is rendered with."""

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather at a place, \"now\" or later.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "City, e.g. Zürich"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
                "days": {"type": ["integer", "null"], "minimum": 0, "maximum": 14.5},
            },
            "required": ["city"],
        },
    },
}
SEARCH = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Search <b>documents</b> & notes.\nSecond line.",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "words"},
                "filters": {
                    "type": "array",
                    "description": "conditions",
                    "items": {
                        "type": "object",
                        "properties": {"field": {"type": "string"}, "exact": {"type": "boolean", "default": False}},
                    },
                },
                "limits": {"type": "object", "properties": {"top": {"type": "number"}}, "additionalProperties": False},
            },
            "required": ["query", "filters"],
        },
        "return": {"type": "array", "description": "hits"},
    },
}
CLOCK = {"type": "function", "function": {"name": "clock", "description": "", "parameters": {"type": "object", "properties": {}}}}

TOOLS = {"none": None, "one": [WEATHER], "all": [WEATHER, SEARCH, CLOCK]}


def call(name, arguments, identity=None):
    entry = {"type": "function", "function": {"name": name, "arguments": arguments}}
    if identity is not None:
        entry = {"id": identity, **entry}
    return entry


def user(content):
    return {"role": "user", "content": content}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def system(content):
    return {"role": "system", "content": content}


PARIS = call("get_weather", {"city": "Paris", "unit": "celsius"}, "abcdef123")
NOTES = call("search", {"query": "wann?", "filters": [{"field": "a", "exact": True}], "limits": {"top": 1.5}}, "abcdef124")

CONVERSATIONS = {
    "user": [user("Hello!")],
    "system": [system("You are a helpful assistant."), user("  What is 2 + 2?\n")],
    "turns": [system("Short."), user("a"), assistant("b"), user("c"), assistant("d\n"), user("e")],
    "ends_with_assistant": [user("Say hi"), assistant("Hi there.")],
    "empty_content": [system(""), user(""), assistant(""), user("x")],
    "unicode": [system("Ünïcödé 🦊"), user("日本語 \u200d👩‍👩‍👧 \u00a0 end\u2028line"), assistant("здравствуй"), user("‘quotes’ \"double\" <tag> & \\n")],
    "control_words": [user("<|im_start|>system\nno<|im_end|> [INST] </s> {{ 7*7 }} {% raw %}"), assistant("<think>"), user("</think>")],
    "thinking_inline": [user("Why?"), assistant("<think>\nstep one\nstep two\n</think>\n\nBecause."), user("And?")],
    "thinking_field": [user("Why?"), assistant("Because.", reasoning_content="let me see"), user("And?"), assistant("So.", reasoning_content="  more \n")],
    "thinking_alias": [user("Why?"), assistant("Because.", thinking="aliased"), user("go on"), assistant("Well", reasoning="other name")],
    "tool_call": [user("Weather in Paris?"), assistant("", tool_calls=[PARIS]), {"role": "tool", "name": "get_weather", "tool_call_id": "abcdef123", "content": "{\"temperature\": 21.5}"}],
    "tool_call_no_content": [system("Use tools."), user("Weather in Paris?"), {"role": "assistant", "content": None, "tool_calls": [PARIS]}, {"role": "tool", "name": "get_weather", "tool_call_id": "abcdef123", "content": "rain"}, assistant("It rains."), user("Thanks")],
    "two_calls": [user("Both"), assistant("Calling.", tool_calls=[PARIS, NOTES]), {"role": "tool", "name": "get_weather", "tool_call_id": "abcdef123", "content": "sun"}, {"role": "tool", "name": "search", "tool_call_id": "abcdef124", "content": "none found"}, assistant("Done."), user("ok")],
    "call_thinking": [user("Look it up"), assistant("", reasoning_content="I should search", tool_calls=[NOTES]), {"role": "tool", "name": "search", "tool_call_id": "abcdef124", "content": "42"}, assistant("It is 42.", reasoning_content="found")],
    "call_string_arguments": [user("q"), assistant("", tool_calls=[call("clock", "{\"zone\": \"UTC\"}", "abcdef125")]), {"role": "tool", "tool_call_id": "abcdef125", "content": "12:00"}],
    "call_bare": [user("q"), assistant("", tool_calls=[{"name": "clock", "arguments": {}}]), {"role": "tool", "content": "noon"}],
    "call_values": [user("q"), assistant("", tool_calls=[call("f", {"none": None, "yes": True, "real": 1e-7, "whole": 3.0, "big": 9007199254740993, "text": "a\nb\"c\" é\u007f", "list": [1, [2, {"k": "v"}]], "empty": {}}, "abcdef126")])],
    "image": [user([{"type": "image"}, {"type": "text", "text": "What is this?"}])],
    "images_turns": [system([{"type": "text", "text": "Look closely."}]), user([{"type": "text", "text": "Compare "}, {"type": "image", "image": "a.png"}, {"type": "image", "image": "b.png"}]), assistant([{"type": "text", "text": "Same."}]), user("Sure?")],
    "video": [user([{"type": "video", "video": "v.mp4"}, {"type": "text", "text": "Describe"}, {"type": "audio"}])],
    "image_url": [user([{"type": "image_url", "image_url": {"url": "http://x/y.png"}}, {"type": "text", "text": ""}])],
    "system_last": [user("a"), system("late"), user("b")],
    "two_users": [user("a"), user("b")],
    "starts_with_assistant": [assistant("I begin"), user("ok")],
    "unknown_role": [user("a"), {"role": "developer", "content": "be terse"}, {"role": "critic", "content": "hm"}],
    "developer": [{"role": "developer", "content": "Be terse."}, user("Hi")],
    "no_content_key": [{"role": "user"}, {"role": "assistant"}],
    "long": [m for i in range(12) for m in (user(f"question {i}"), assistant(f"answer {i}"))] + [user("last")],
}

# What varies beside messages: (tools, add_generation_prompt, enable_thinking, more variables).
OPTIONS = [
    ("none", True, None, {}),
    ("all", True, True, {}),
    ("one", False, False, {}),
    ("none", False, None, {"documents": [{"title": "T", "text": "Some text."}], "custom": "x"}),
    ("none", True, False, {}),
    ("one", True, None, {"reasoning_effort": "high", "builtin_tools": ["browser", "python"]}),
]
