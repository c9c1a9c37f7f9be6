"""Vocabularies and merges that Hugging Face tokenizers learns from small corpora.

    python -m venv oracle && oracle/bin/pip install tokenizers==0.23.3
    oracle/bin/python generate.py

Writes cases.json beside this file: {"added": [...], "cases": [{"pattern", "vocab_size", "min_frequency", "texts", "tokens": from
id len(added) + 256 on, "merges": [[id, id], ...]}]}.
"""

import json
import pathlib
import random

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent
WORDS = r" ?[\p{L}\p{N}+_'-]+| ?[^\s\p{L}\p{N}]+|\s+"
LETTERS = r"\p{L}+|\p{N}|[^\p{L}\p{N}]+"
ADDED = [f"<|added_{i}|>" for i in range(14)] + [
    "<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>",
    "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>",
]


def scenes(rng):
    sizes, colours, shapes = ["small", "large"], ["red", "cyan", "blue", "green"], ["circle", "square", "star"]
    texts = []
    for _ in range(60):
        slots = ["+".join([rng.choice(sizes), rng.choice(colours), rng.choice(shapes)]) if rng.random() < 0.4 else "_"
                 for _ in range(9)]
        texts.append("< " + " ".join(slots) + " > There are 3 things:\n\n a " + rng.choice(colours) + " one, isn't it?")
    return texts


def runs(rng):
    return ["".join(rng.choice("ab") * rng.randint(1, 9) for _ in range(12)) for _ in range(40)]


def letters(rng, alphabet):
    return [" ".join("".join(rng.choices(alphabet, k=rng.randint(1, 9))) for _ in range(12)) for _ in range(30)]


def cases():
    rng = random.Random(7)
    yield WORDS, 430, 2, scenes(rng)
    yield WORDS, 2000, 3, scenes(rng)  # no pair is left before the vocabulary is full
    yield WORDS, 700, 1, runs(rng)
    yield LETTERS, 500, 2, letters(rng, "abc")  # many ties
    yield LETTERS, 500, 0, letters(rng, "aé漢🎈 7\n\t")
    yield WORDS, 280, 2, ["no room for a merge"]
    yield WORDS, 400, 1, ["", "a", "bb", "ccc " * 5]


def learn(pattern, vocab_size, min_frequency, texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, min_frequency=min_frequency, special_tokens=ADDED, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    assert [model["vocab"][token] for token in tokens] == list(range(len(tokens)))
    return {
        "pattern": pattern, "vocab_size": vocab_size, "min_frequency": min_frequency, "texts": texts,
        "tokens": tokens[len(ADDED) + 256:],
        "merges": [[model["vocab"][part] for part in pair] for pair in model["merges"]],
    }


if __name__ == "__main__":
    learned = [learn(*case) for case in cases()]
    text = json.dumps({"added": ADDED, "cases": learned}, ensure_ascii=False, separators=(",", ":"))
    (HERE / "cases.json").write_text(text.replace('{"pattern"', '\n{"pattern"') + "\n", encoding="utf-8")
    print([len(case["merges"]) for case in learned])
