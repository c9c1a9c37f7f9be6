"""Writes sweep.bin beside this script: what the reference makes of every code point, as hashes.

For each step of STEPS, for each block of 256 code points of the planes that have any: the hash, u32 little endian,
of the output for the block's text (see `text`), pieces with a zero byte behind each.
"""

import pathlib
import struct

from tokenizers import Regex, normalizers, pre_tokenizers
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX as QWEN

TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LAST = 0x33  # the last page of 0x1000 code points that is looked at, but for the tags
PAGES = [*range(LAST), 0xE0]


def split(pattern):
    pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    return lambda text: "".join(piece + "\0" for piece, _ in pre_tokenizer.pre_tokenize_str(text))


STEPS = [split(TEKKEN), split(QWEN), split(r"\w+|\p{Han}"), normalizers.NFC().normalize_str, normalizers.NFD().normalize_str,
         normalizers.NFKC().normalize_str, normalizers.NFKD().normalize_str, normalizers.Lowercase().normalize_str]  # fmt: skip


def text(first):
    """Each code point between letters, digits and spaces, and between marks of low and high classes."""
    points = [chr(c) for c in range(first, first + 256) if c > 0 and not 0xD800 <= c < 0xE000]
    return "".join(f"a{c}{c}B1 {c}\u05b4{c}\u05b4\u0300\u0345{c}\u0334." for c in points)


def fold(data):
    """FNV-1a of 64 bits, its halves joined by exclusive or."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return (value >> 32) ^ (value & 0xFFFFFFFF)


def main():
    blocks = [page * 0x1000 + block * 0x100 for page in PAGES for block in range(16)]
    with open(pathlib.Path(__file__).parent / "sweep.bin", "wb") as file:
        for step in STEPS:
            for first in blocks:
                file.write(struct.pack("<I", fold(step(text(first)).encode())))


if __name__ == "__main__":
    main()
