#!/usr/bin/env python3
"""Writes the golden files of this folder with transformers' own rendering of chat templates.

Make a venv and run (seconds, no network):

    python3 -m venv venv
    venv/bin/pip install transformers==5.24.0 jinja2==3.1.6 tokenizers
    venv/bin/python tests/golden/template/generate.py

README.md says what each file holds and where the templates come from.
"""

import datetime as clock
import json
import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

from conversations import CONVERSATIONS, OPTIONS, TOOLS
from expressions import VARIABLES, all_sources

HERE = Path(__file__).resolve().parent
NOW = 1735732800  # 2025-01-01 12:00 UTC, what strftime_now shows
EACH = 2  # option sets for a template and a conversation, taken in turn

SPECIAL = {
    "llama": ("<|begin_of_text|>", "<|eot_id|>"),
    "hermes": ("<|begin_of_text|>", "<|end_of_text|>"),
    "function": ("<|begin_of_text|>", "<|eot_id|>"),
    "firefunction": ("<|begin_of_text|>", "<|eot_id|>"),
    "gemma": ("<bos>", "<eos>"),
    "deepseek": ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
    "command": ("<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>"),
    "qwen": (None, "<|im_end|>"),
}


class FixedClock(clock.datetime):
    """What the module calls for the time of day."""

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(NOW, clock.timezone.utc)


def write(path, value):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=0, separators=(",", ":")) + "\n", encoding="utf-8")


def special_tokens(name):
    for prefix, pair in SPECIAL.items():
        if name.startswith(prefix):
            return pair
    return "<s>", "</s>"


def make_tokenizer(source, bos, eos):
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"x": 0}, "x")))
    tokenizer.chat_template = source
    if bos is not None:
        tokenizer.bos_token = bos
    tokenizer.eos_token = eos
    return tokenizer


def render(tokenizer, messages, options):
    tools, generation, thinking, more = options
    kwargs = dict(more)
    if thinking is not None:
        kwargs["enable_thinking"] = thinking
    return tokenizer.apply_chat_template(
        messages, tools=TOOLS[tools], add_generation_prompt=generation, tokenize=False, **kwargs
    )


def spans(source, tokenizer, messages, options):
    """Byte ranges of the generation blocks."""
    tools, generation, thinking, more = options
    kwargs = {**tokenizer.special_tokens_map, **more}
    if thinking is not None:
        kwargs["enable_thinking"] = thinking
    messages = chat_template_utils._normalize_chat_messages(messages)
    texts, ranges = chat_template_utils.render_jinja_template(
        [messages], tools=TOOLS[tools], chat_template=source, add_generation_prompt=generation,
        return_assistant_tokens_mask=True, **kwargs
    )
    return [[len(texts[0][:a].encode()), len(texts[0][:b].encode())] for a, b in ranges[0]]


def template_cases(name, path):
    source = path.read_text(encoding="utf-8")
    bos, eos = special_tokens(name)
    tokenizer = make_tokenizer(source, bos, eos)
    cases = []
    for position, (conversation, messages) in enumerate(CONVERSATIONS.items()):
        for turn in range(EACH):
            index = (position + turn * 3 + len(name)) % len(OPTIONS)
            case = {"conversation": conversation, "options": index}
            try:
                case["text"] = render(tokenizer, messages, OPTIONS[index])
                if "generation %}" in source:
                    case["spans"] = spans(source, tokenizer, messages, OPTIONS[index])
            except Exception as error:  # any failure of the reference must be one of ours
                case["error"] = type(error).__name__
            cases.append(case)
    return {"bos": bos, "eos": eos, "cases": cases}


def write_templates():
    shared = {
        "now": NOW,
        "tools": TOOLS,
        "conversations": CONVERSATIONS,
        "options": [
            {"tools": tools, "add_generation_prompt": generation, "enable_thinking": thinking, "extra": more}
            for tools, generation, thinking, more in OPTIONS
        ],
    }
    write(HERE / "conversations.json", shared)
    total = failed = 0
    paths = {path.stem: path for path in sorted((HERE / "templates").glob("*.jinja"))}
    paths["lab"] = HERE.parents[2] / "lab" / "text" / "chat_template.jinja"
    for name, path in paths.items():
        result = template_cases(name, path)
        write(HERE / "cases" / f"{name}.json", result)
        total += len(result["cases"])
        failed += sum("error" in case for case in result["cases"])
    print(f"{total} renderings of chat templates, {failed} of them errors")


def write_expressions():
    cases = []
    for source in all_sources():
        case = {"source": source}
        try:
            case["text"] = chat_template_utils._compile_jinja_template(source).render(**VARIABLES)
        except Exception as error:
            case["error"] = type(error).__name__
        cases.append(case)
    write(HERE / "expressions.json", {"now": NOW, "variables": VARIABLES, "cases": cases})
    print(f"{len(cases)} expressions, {sum('error' in case for case in cases)} of them errors")


if __name__ == "__main__":
    chat_template_utils.datetime = FixedClock
    write_templates()
    write_expressions()
