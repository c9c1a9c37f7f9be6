"""The texts that the tokenizers are compared on: deterministic, of every kind that breaks tokenizers.

A case is a string, bytes (not UTF-8), or (unit, times): a string repeated.
"""

import pathlib
import random
import unicodedata

from sentences import SENTENCES

# First and last code point of blocks of many scripts and kinds of symbols.
BLOCKS = [
    (0x20, 0x7E), (0xA0, 0xFF), (0x100, 0x17F), (0x180, 0x24F), (0x250, 0x2AF), (0x2B0, 0x2FF), (0x300, 0x36F),
    (0x370, 0x3FF), (0x400, 0x4FF), (0x500, 0x52F), (0x531, 0x58F), (0x591, 0x5F4), (0x600, 0x6FF), (0x700, 0x74F),
    (0x750, 0x77F), (0x780, 0x7B1), (0x7C0, 0x7FF), (0x800, 0x83E), (0x840, 0x85E), (0x860, 0x86A), (0x870, 0x89F),
    (0x8A0, 0x8FF), (0x900, 0x97F), (0x980, 0x9FE), (0xA01, 0xA76), (0xA81, 0xAFF), (0xB01, 0xB77), (0xB82, 0xBFA),
    (0xC00, 0xC7F), (0xC80, 0xCF3), (0xD00, 0xD7F), (0xD81, 0xDF4), (0xE01, 0xE5B), (0xE81, 0xEDF), (0xF00, 0xFDA),
    (0x1000, 0x109F), (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x1200, 0x139F), (0x13A0, 0x13FD), (0x1400, 0x167F),
    (0x1680, 0x169C), (0x16A0, 0x16F8), (0x1700, 0x177F), (0x1780, 0x17F9), (0x1800, 0x18AA), (0x1900, 0x197F),
    (0x1980, 0x19FF), (0x1A00, 0x1AFF), (0x1B00, 0x1BFF), (0x1C00, 0x1CFA), (0x1D00, 0x1DFF), (0x1E00, 0x1EFF),
    (0x1F00, 0x1FFE), (0x2000, 0x206F), (0x2070, 0x20CF), (0x20D0, 0x20F0), (0x2100, 0x218B), (0x2190, 0x22FF),
    (0x2300, 0x243F), (0x2440, 0x24FF), (0x2500, 0x25FF), (0x2600, 0x27BF), (0x27C0, 0x2BFF), (0x2C00, 0x2DFF),
    (0x2E00, 0x2E5D), (0x2E80, 0x2FDF), (0x2FF0, 0x303F), (0x3040, 0x30FF), (0x3105, 0x31BF), (0x31C0, 0x33FF),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA000, 0xA4CF), (0xA4D0, 0xA6F7), (0xA700, 0xA7FF), (0xA800, 0xA8FF),
    (0xA900, 0xA9DF), (0xA9E0, 0xAAFF), (0xAB01, 0xABF9), (0xAC00, 0xD7A3), (0xD7B0, 0xD7FB), (0xE000, 0xF8FF),
    (0xF900, 0xFAD9), (0xFB00, 0xFDFF), (0xFE00, 0xFE6F), (0xFE70, 0xFEFF), (0xFF00, 0xFFFF), (0x10000, 0x100FF),
    (0x10100, 0x101FD), (0x10280, 0x103D5), (0x10400, 0x1057F), (0x10600, 0x107BA), (0x10800, 0x10AFF),
    (0x10B00, 0x10D39), (0x10D40, 0x10EFF), (0x10F00, 0x10FFF), (0x11000, 0x111FF), (0x11200, 0x113FF),
    (0x11400, 0x116FF), (0x11700, 0x119FF), (0x11A00, 0x11CFF), (0x11D00, 0x11FFF), (0x12000, 0x123FF),
    (0x13000, 0x1345F), (0x14400, 0x14646), (0x16800, 0x16FFF), (0x17000, 0x18CFF), (0x1B000, 0x1B2FB),
    (0x1BC00, 0x1BCA3), (0x1CC00, 0x1CFFF), (0x1D000, 0x1D24F), (0x1D400, 0x1D7FF), (0x1D800, 0x1DFFF),
    (0x1E000, 0x1E5FF), (0x1E800, 0x1E95F), (0x1EC70, 0x1EEFF), (0x1F000, 0x1F1FF), (0x1F200, 0x1F64F),
    (0x1F650, 0x1F8FF), (0x1F900, 0x1FAFF), (0x1FB00, 0x1FBF9), (0x20000, 0x2A6DF), (0x2F800, 0x2FA1D),
    (0x30000, 0x323AF), (0xE0000, 0xE01EF), (0xF0000, 0xFFFFF),
]
SPACES = list(" \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u180e\u2000\u2003\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u3000\ufeff")
CONTROLS = [chr(c) for c in [*range(0, 32), *range(127, 160)]] + list("\u200c\u200d\u200e\u202e\u2060\u2066\ufffe\uffff\ufffd")
EMOJI = [chr(c) for c in [*range(0x1F300, 0x1F650), *range(0x1F900, 0x1FA00), *range(0x2600, 0x2700)]]
WORDS = "a I it's We'll THE Camel snake_case x1 42 2024 don't naïve Éa ’s 's 'S 'LL 're ß ſ K İ ı Ω ② Ⅳ ٣ 한 字 か".split()
MARKS = list("._-/\\|!?,;:'\"()[]{}<>@#$%^&*+=~`…—–“”‘’«»。、!¿¡§†©®™°±")


def character(rng, block):
    while True:
        c = rng.randint(*block)
        if not 0xD800 <= c < 0xE000:
            return chr(c)


def pick(rng, letters, low, high):
    return "".join(rng.choice(letters) for _ in range(rng.randint(low, high)))


def sentences(rng, count):
    forms = [lambda s: s] * 6 + [str.upper, str.lower, str.title, str.swapcase]
    forms += [lambda s, f=f: unicodedata.normalize(f, s) for f in ("NFC", "NFD", "NFKC", "NFKD")]
    yield from SENTENCES
    for _ in range(count - len(SENTENCES)):
        text = rng.choice(forms)(rng.choice(SENTENCES))
        begin = rng.randrange(len(text))
        yield text[begin : begin + rng.randint(1, 70)]


def scripts(rng, count):
    for i in range(count):
        block = BLOCKS[i % len(BLOCKS)]
        other = rng.choice(BLOCKS) if rng.random() < 0.2 else block
        words = [
            "".join(character(rng, rng.choice([block, block, other])) for _ in range(rng.randint(1, 7)))
            for _ in range(rng.randint(1, 3))
        ]
        yield rng.choice(["", " ", "\n"]) + rng.choice([" ", "  ", ", ", "-", ""]).join(words)


def any_code_points(rng, count):
    for _ in range(count):
        yield "".join(character(rng, (0, 0x10FFFF)) for _ in range(rng.randint(1, 8)))


def emoji(rng, count):
    for _ in range(count):
        parts = []
        for _ in range(rng.randint(1, 6)):
            one = rng.choice(EMOJI)
            kind = rng.randrange(7)
            if kind == 0:
                one += chr(rng.randint(0x1F3FB, 0x1F3FF))
            elif kind == 1:
                one += rng.choice("\ufe0e\ufe0f")
            elif kind == 2:
                one += "\u200d" + rng.choice(EMOJI) + "\ufe0f"
            elif kind == 3:
                one = "".join(chr(0x1F1E6 + rng.randrange(26)) for _ in range(2))
            elif kind == 4:
                one = rng.choice("0123456789#*") + "\ufe0f\u20e3"
            parts.append(one)
        yield rng.choice(["", " ", "ok "]) + rng.choice(["", " "]).join(parts) + rng.choice(["", "!", "\n"])


def whitespace(rng, count):
    for _ in range(count):
        parts = []
        for _ in range(rng.randint(1, 6)):
            parts.append(pick(rng, SPACES if rng.random() < 0.5 else " \n\t\r", 0, 6))
            parts.append(rng.choice([*WORDS, *MARKS, ""]))
        yield "".join(parts)


def controls(rng, count):
    for _ in range(count):
        yield "".join(
            rng.choice([rng.choice(CONTROLS), rng.choice(CONTROLS), rng.choice(WORDS), " "]) for _ in range(rng.randint(1, 10))
        )


def mixes(rng, count):
    kinds = [WORDS, WORDS, MARKS, MARKS, list("0123456789"), [" ", " ", "\n", "  "], ["\u0301", "\u0308", "\u200d", "\u0e33"]]
    for _ in range(count):
        yield "".join(rng.choice(rng.choice(kinds)) for _ in range(rng.randint(2, 14)))


def numbers(rng, count):
    for _ in range(count):
        digits = rng.choice(["0123456789", "0123456789", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "0123456789", "¹²³½⅓Ⅷ㊿"])
        yield rng.choice(["", " ", "x", "-", "$"]) + rng.choice([".", ",", " ", "-", "e", ""]).join(
            pick(rng, digits, 1, 8) for _ in range(rng.randint(1, 4))
        )


def code(rng, count):
    """Lines of this project's own generators."""
    lines = []
    for script in sorted(pathlib.Path(__file__).parent.parent.glob("*/generate.py")):
        lines += script.read_text(encoding="utf-8").splitlines(keepends=True)
    for _ in range(count):
        begin = rng.randrange(len(lines))
        yield "".join(lines[begin : begin + rng.randint(1, 3)])[:150]


def broken(rng, count):
    """Bytes that are no UTF-8: cut, overlong, surrogates, too large, lone continuations, flipped bits."""
    hostile = [b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\x9f\xbf",
               b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf0\x90\x80", b"\xf4\x90\x80\x80", b"\xf4\x8f\xbf", b"\xf5\x80",
               b"\xff", b"\xfe\xff", b"\x80", b"\xbf\xbf", b"\xe2\x82", b"\xe2", b"\xc3", b"\xf0\x9f\x98", b"\xf0\x9f",
               b"\xef\xbf", b"\xed\xa0\x81\xed\xb0\x80", b"\xf8\x88\x80\x80\x80", b"\xe1\x80\xc3\xa9"]  # fmt: skip
    for i in range(count):
        data = bytearray(rng.choice(SENTENCES).encode()[: rng.randint(1, 40)])
        if i % 3 == 0:
            at = rng.randint(0, len(data))
            data[at:at] = b"".join(rng.choice(hostile) for _ in range(rng.randint(1, 3)))
        elif i % 3 == 1:
            for _ in range(rng.randint(1, 4)):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        else:
            data = bytearray(rng.choice(hostile) + bytes(rng.randrange(256) for _ in range(rng.randint(0, 12))))
        try:
            yield data.decode()
        except UnicodeDecodeError:
            yield bytes(data)


def tokens_inside(rng, count, tokens):
    for _ in range(count):
        parts = []
        for _ in range(rng.randint(1, 4)):
            token = rng.choice(tokens)
            if rng.random() < 0.15:  # nearly a token
                cut = rng.randrange(1, len(token) + 1)
                token = rng.choice([token[:cut], token[cut:], token.upper(), token.lower(), token[0] + token])
            parts.append(rng.choice([*WORDS, *MARKS, "", "", " ", " ", "\n", "  ", "\u0301", "_", "\u3000"]))
            parts.append(token)
            parts.append(rng.choice(["", "", " ", "  ", "\n", "\t ", rng.choice(WORDS), rng.choice(MARKS)]))
        yield "".join(parts)


def runs(rng):
    units = ["a", "A", "z9", " ", "\n", "\r\n", "\t", " \n", "0", "!", "-", "=", "ab", "the ", "\u0301", "e\u0301", "é", "字", "한",
             "👍", "👩\u200d", "\ufe0f", "\u00a0", "\u3000", "'", "'s", ".", "_", "\0", "\x7f", "\ufffd", "𝔸", "क्", "ง",
             "</s>", "[INST]", "<|im_start|>", "aA", "Aa", "\u0301a", "ʰ", "AZ\u0301"]  # fmt: skip
    for unit in units:
        for times in (17, 100, rng.randint(200, 300), 2500):
            yield unit, times
    for unit in (" ", "a", "\n", "\u0301", "x ", "字"):
        yield unit, 20000


def all_cases(tokens):
    """Every case, without repetition, always in the same order. `tokens`: added tokens of the tokenizers."""
    rng = random.Random(20240717)
    cases = ["", *scripts(rng, 4000), *sentences(rng, 3200), *any_code_points(rng, 900), *emoji(rng, 1100)]
    cases += [*whitespace(rng, 2400), *controls(rng, 1100), *mixes(rng, 2400), *numbers(rng, 800), *code(rng, 2000)]
    cases += [*broken(rng, 2400), *tokens_inside(rng, 2600, tokens), *runs(rng)]
    return list(dict.fromkeys(cases))
