"""Writes components.json: normalizers, pre-tokenizers and decoders alone, inputs and the reference's outputs."""

import json
import pathlib

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

TEXTS = ["", " ", "Hello,  World! 12 345x", "a b\u00a0c\n\n d", " lead", "trail ", "\u2581x \u2581", "aaa--bb---", "é\u0301ﬁ①İΣς", "日本語 カタカナ한글",
         "x_1-y.z", "٣٤ ½Ⅻ", "ab\u180ec", "I'LL don't we’re 'S", "line1\nline2\r\nline3", "a1b22c333", "ÀÉ [x] {y}", "---", "\u2581\u2581", "²a³"]  # fmt: skip

PATTERNS = [
    r"\w+", r"\W+", r"[\w']+", r"\bx|a\b", r"\B.", r"\h+", r"a{,2}", r"(?m:.+)", r"^.", r".$", r"\p{Han}+", r"x*", r"x*?", r"\d+|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[一-龥぀-ゟ゠-ヿ]+", r"(?<!a)a", r"a++", r"(?<=\s)\S", r"\p{^L}+", r"\x{61}|\u0062",
]  # fmt: skip


def pieces(pre_tokenizer):
    return [[text, [piece for piece, _ in pre_tokenizer.pre_tokenize_str(text)]] for text in TEXTS]


def component_json(kind, component):
    tokenizer = Tokenizer(models.BPE())
    setattr(tokenizer, kind, component)
    return json.loads(tokenizer.to_str())[kind]


def all_pre_tokenizers():
    p = pre_tokenizers
    found = [p.Split(Regex(pattern), "isolated") for pattern in PATTERNS]
    for behavior in ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]:
        for invert in [False, True]:
            found += [p.Split(pattern, behavior, invert) for pattern in [Regex("[a-b]"), Regex("b*"), "-", "", " "]]
        found.append(p.Punctuation(behavior))
    found += [p.Metaspace("▁", scheme, split) for scheme in ["always", "first", "never"] for split in [True, False]]
    found += [p.Digits(True), p.Digits(False), p.Whitespace(), p.WhitespaceSplit(), p.CharDelimiterSplit("b")]
    found += [p.ByteLevel(prefix, use_regex=regex) for prefix in [True, False] for regex in [True, False]]
    found += [p.Sequence([p.WhitespaceSplit(), p.Metaspace("_", "first")]), p.Sequence([p.Digits(True), p.Split("-", "removed"), p.ByteLevel()])]
    return found


def all_normalizers():
    n = normalizers
    return [n.NFC(), n.NFD(), n.NFKC(), n.NFKD(), n.Lowercase(), n.Prepend("▁"), n.Replace(" ", "▁"), n.Replace("", "x"), n.Replace(Regex(r"\s+"), " "),
            n.Replace(Regex("[ab]"), "$0"), n.Sequence([n.NFD(), n.Lowercase(), n.Prepend("x")]), n.Sequence([])]  # fmt: skip


TOKENS = [[], ["Hello", "Ġworld", "!"], ["Ã", "©"], ["Ã"], ["<0xE4>", "<0xBD>", "<0xA0>", "x", "<0xE4>", "<0xBD>"], ["▁Hey", "▁▁you", "<0x0A>", "a b"], ["  x", " y "],
          ["中", "Ġ中"], ["<s>", "▁", "▁a"], ["aab", "b", "aa"], ["<0xG1>", "<0x41>", "<0x7f>"]]  # fmt: skip


def all_decoders():
    d = decoders
    chain = d.Sequence([d.Replace("▁", " "), d.ByteFallback(), d.Fuse(), d.Strip(" ", 1, 0)])
    return [d.ByteLevel(), d.ByteFallback(), d.Fuse(), d.Strip("a", 1, 0), d.Strip(" ", 2, 0), d.Replace("▁", " "), d.Replace(Regex("[ab]+"), "-"), chain,
            d.Metaspace("▁", "always"), d.Metaspace("▁", "never"), d.Metaspace("▁", "first"), d.Sequence([d.ByteFallback(), d.ByteLevel()])]  # fmt: skip


def cases():
    return {
        "pre_tokenizers": [{"json": component_json("pre_tokenizer", p), "cases": pieces(p)} for p in all_pre_tokenizers()],
        "normalizers": [{"json": component_json("normalizer", n), "cases": [[t, n.normalize_str(t)] for t in TEXTS]} for n in all_normalizers()],
        "decoders": [{"json": component_json("decoder", d), "cases": [[t, d.decode(t)] for t in TOKENS]} for d in all_decoders()],
    }


if __name__ == "__main__":
    path = pathlib.Path(__file__).parent / "components.json"
    path.write_text(json.dumps(cases(), ensure_ascii=False, separators=(",", ":")) + "\n")
