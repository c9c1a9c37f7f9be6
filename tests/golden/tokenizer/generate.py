"""Token ids and decoded texts of the reference's tokenizers on many strings.

    python -m venv oracle && oracle/bin/pip install transformers==5.24.0 tokenizers==0.23.3 mistral-common==1.13.1 pycountry
    oracle/bin/python generate.py

Writes beside this file:
  cases.jsonl               one text a line: a JSON string, {"base64": bytes that are no UTF-8}, or {"repeat": [unit, times]}
  NAME/tokenizer.json       and tokenizer_config.json: a tokenizer of makers.py
  NAME/hashes.bin           two 64-bit little-endian numbers for each case: FNV-1a over the ids (int32, little-endian) with special
                            tokens, and over the UTF-8 of those ids decoded, a zero byte, and of the same without special tokens
  NAME/ids.jsonl            [case, ids with special tokens, ids without] of some cases
  NAME/decoded.jsonl        [ids, text, text without special tokens] of ids at random
A small tokenizer is run on the cases whose number is a multiple of SMALL_STEP, and on the last LAST.
"""

import base64
import json
import pathlib
import random
import struct

import makers
import strings
from tokenizers import Tokenizer
from transformers import AutoTokenizer

HERE = pathlib.Path(__file__).parent
SMALL_STEP = 7
LAST = 2700  # those with added tokens inside, and the long runs
IDS = {"main": 300, "small": 60}
RANDOM_IDS = 150
MASK = (1 << 64) - 1


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


def text_of(case):
    if isinstance(case, bytes):
        return case.decode("utf-8", "replace")
    return case if isinstance(case, str) else case[0] * case[1]


def line_of(case):
    if isinstance(case, bytes):
        return {"base64": base64.b64encode(case).decode()}
    return case if isinstance(case, str) else {"repeat": list(case)}


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write_lines(path, values):
    path.write_text("".join(compact(value) + "\n" for value in values), encoding="utf-8")


def decoded(tokenizer, ids):
    return tokenizer.decode(ids), tokenizer.decode(ids, skip_special_tokens=True)


def write_tokenizer(name, maker):
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    form, config = maker()
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False} | config
    (folder / "tokenizer.json").write_text(compact(form), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return folder


def compare(folder, numbers, cases, with_ids):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rng = random.Random(folder.name)
    chosen = set(rng.sample([i for i in numbers if len(text_of(cases[i])) < 120], with_ids))
    hashes, rows = b"", []
    for i in numbers:
        text = text_of(cases[i])
        ids = tokenizer.encode(text)
        kept, skipped = decoded(tokenizer, ids)
        if plain.encode(text).ids != ids:
            raise SystemExit(f"{folder.name}, case {i}: transformers and tokenizers differ on {text[:200]!r}")
        hashes += struct.pack("<QQ", fnv(struct.pack(f"<{len(ids)}i", *ids)), fnv(f"{kept}\0{skipped}".encode()))
        if i in chosen:
            rows.append([i, ids, tokenizer.encode(text, add_special_tokens=False)])
    (folder / "hashes.bin").write_bytes(hashes)
    write_lines(folder / "ids.jsonl", rows)
    known = sorted(plain.get_vocab(with_added_tokens=True).values())
    lists = [[rng.choice(known[:400] if rng.random() < 0.5 else known) for _ in range(rng.randint(0, 14))] for _ in range(RANDOM_IDS)]
    write_lines(folder / "decoded.jsonl", ([ids, *decoded(tokenizer, ids)] for ids in lists))


def main():
    folders = {name: write_tokenizer(name, maker) for name, maker in {**makers.MAIN, **makers.SMALL}.items()}
    tokens = {}
    for folder in folders.values():
        added = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
        tokens |= dict.fromkeys(token["content"] for token in added if "<SPECIAL_" not in token["content"])
    cases = strings.all_cases(list(tokens))
    write_lines(HERE / "cases.jsonl", map(line_of, cases))
    every = range(len(cases))
    some = [i for i in every if i % SMALL_STEP == 0 or i >= len(cases) - LAST]
    for name, folder in folders.items():
        small = name in makers.SMALL
        compare(folder, some if small else every, cases, IDS["small" if small else "main"])
        print(name)


if __name__ == "__main__":
    main()
