"""The conversations of the golden cases, and which of them each configuration has."""


def user(*parts):
    return {"role": "user", "content": [{"type": "image"} if p is ... else {"type": "text", "text": p} for p in parts]}


def said(text):
    return {"role": "assistant", "content": text}


TEXT = [{"role": "user", "content": "Who sits on the mat?"}, said("The cat sits on the mat.")]
ONE = [user(..., "Describe this image."), said("A cat looks at us.")]
THREE = [
    user(..., "What is in this image?"), said("A face."),
    user("And here: ", ..., " then ", ..., "?"), said("A cup, and a cat."),
]
THINK = [
    user(..., "How many cups?"),
    said("<think>\nI see a cup on a table.\n</think>\n\nThere is 1 cup."),
]
SYSTEM = [{"role": "system", "content": "Be brief. é ü 漢字 🙂"}] + [
    {"role": "user", "content": "What is 12 + 30?"}, said("<think>\n12 + 30\n</think>\n\n42"),
    {"role": "user", "content": "And the cat?"}, said("It sits."),
]
TOOLS = [
    {"role": "user", "content": "What is the weather here?"},
    {"role": "assistant", "content": "", "tool_calls": [
        {"type": "function", "function": {"name": "weather", "arguments": {"place": "here", "days": 2}}}]},
    {"role": "tool", "content": "rain"},
    said("It will rain."),
]


BOTH = [user(..., ..., "Which one is a cat?"), said("The first one.")]


def cases_of(name):
    odd = name in ("odd", "bos")
    cases = [
        {"name": "text", "messages": TEXT, "images": [], "bf16": True},
        {"name": "one_image", "messages": ONE, "images": ["strip.png" if odd else "cat.png"], "bf16": False},
        {"name": "three_images", "messages": THREE,
         "images": ["palette.png", "gray.png", "cat.png"] if odd else ["face.png", "cup.png", "cat.png"], "bf16": True},
        {"name": "think", "messages": THINK, "images": ["gray.png" if odd else "cup.png"], "bf16": False},
        {"name": "system", "messages": SYSTEM, "images": [], "bf16": False},
    ]
    if name == "base":
        cases.append({"name": "tools", "messages": TOOLS, "images": [], "bf16": False})
        cases.append({"name": "palette", "messages": ONE, "images": ["palette.png"], "bf16": False})
    return cases


def all_cases():
    return cases_of("base") + [{"messages": BOTH}]
