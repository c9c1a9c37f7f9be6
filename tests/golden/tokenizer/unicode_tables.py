"""Writes src/artemis/text/unicode_tables.h: where the reference's Unicode is not our libraries'.

The reference's regular expressions know a newer Unicode than PCRE2 10.42 (14.0, as this Python's unicodedata),
and its normalizers an older one than utf8proc. Run with the reference's Python: unicode_tables.py OUT.h
"""

import ctypes
import ctypes.util
import sys
import unicodedata

from tokenizers import Regex, normalizers, pre_tokenizers

POINTS = [c for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf".split()


def members(expression):
    """The code points that the reference's regular expression matches."""
    split = pre_tokenizers.Split(Regex(expression), "removed")
    found = set()
    for start in range(0, len(POINTS), 20000):
        chunk = POINTS[start : start + 20000]
        left = {ord(c) for piece, _ in split.pre_tokenize_str("".join(map(chr, chunk))) for c in piece}
        found.update(set(chunk) - left)
    return found


def stand_in(point, category, han):
    """A code point of Unicode 14 with the same category and as many bytes of UTF-8."""
    if han:
        return 0x20000 if point >= 0x10000 else 0x4E00
    pool = range(0x10000, 0x110000) if point >= 0x10000 else range(0x800, 0xD800)
    return next(c for c in pool if unicodedata.category(chr(c)) == category and c != point and c != 0x180E)


def stand_ins():
    han = members(r"\p{Han}")
    found = {0x180E: stand_in(0x180E, "Cf", False)}  # PCRE2's \s, not the reference's
    cache = {}
    for category in CATEGORIES:
        for point in members(rf"\p{{{category}}}"):
            if unicodedata.category(chr(point)) != category:
                key = (category, point in han, point >= 0x10000)
                cache.setdefault(key, stand_in(point, category, point in han))
                found[point] = cache[key]
    return found


def unnormalized():
    """The code points that utf8proc decomposes, reorders or composes and the reference does not."""
    library = ctypes.CDLL(ctypes.util.find_library("utf8proc"))
    libc = ctypes.CDLL(None)

    def ours(text, options):
        data = text.encode()
        out = ctypes.c_void_p()
        length = library.utf8proc_map(data, ctypes.c_ssize_t(len(data)), ctypes.byref(out), options)
        value = ctypes.string_at(out, length).decode()
        libc.free(out)
        return value

    found = {0x11930}  # the second half of U+11938
    for option, normalizer in [(16, normalizers.NFD()), (16 | 4, normalizers.NFKD())]:
        for point in POINTS:
            for text in [chr(point), f"\u0345{chr(point)}\u0334a", f"a\u05b4{chr(point)}\u05b4\u0300"]:
                if normalizer.normalize_str(text) != ours(text, 2 | option):
                    found.add(point)
    return found


def lowered():
    """The code points that the reference gives another lower case than utf8proc, by how far it is off."""
    library = ctypes.CDLL(ctypes.util.find_library("utf8proc"))
    lowercase = normalizers.Lowercase()
    found = {}
    for point in POINTS:
        lower = lowercase.normalize_str(chr(point))
        if len(lower) == 1 and ord(lower) != library.utf8proc_tolower(point):
            found[point] = ord(lower) - point
    return found


def ranges(values):
    """[(first, last, value)] of a dict by code point."""
    out = []
    for point in sorted(values):
        if out and out[-1][1] == point - 1 and out[-1][2] == values[point]:
            out[-1][1] = point
        else:
            out.append([point, point, values[point]])
    return out


def main(path):
    lines = [
        "// Where the reference's Unicode is not our libraries'. Written by tests/golden/tokenizer/unicode_tables.py.",
        "#pragma once",
        "",
        "#include <array>",
        "",
        "namespace artemis {",
        "",
        "struct StandIns {",
        "  char32_t first;",
        "  char32_t last;",
        "  char32_t stand_in;",
        "};",
        "",
        "struct CodePointRange {",
        "  char32_t first;",
        "  char32_t last;",
        "};",
        "",
        "struct LowerCase {",
        "  char32_t first;",
        "  char32_t last;",
        "  int offset;",
        "};",
        "",
        "// What PCRE2 10.42 (Unicode 14) takes for another category than the reference does, and a code point of that",
        "// category with as many bytes.",
    ]
    rows = ranges(stand_ins())
    lines.append(f"inline constexpr std::array<StandIns, {len(rows)}> stand_in_ranges = {{{{")
    lines += [f"    {{0x{a:X}, 0x{b:X}, 0x{v:X}}}," for a, b, v in rows]
    rows = ranges(dict.fromkeys(unnormalized(), 0))
    lines += [
        "}};",
        "",
        "// What the reference's normal forms, of an older Unicode, leave as it is and neither move nor compose.",
        f"inline constexpr std::array<CodePointRange, {len(rows)}> unnormalized_ranges = {{{{",
    ]
    lines += [f"    {{0x{a:X}, 0x{b:X}}}," for a, b, _ in rows]
    rows = ranges(lowered())
    lines += [
        "}};",
        "",
        "// Capitals that utf8proc does not know, and how far their small letters are.",
        f"inline constexpr std::array<LowerCase, {len(rows)}> lower_case_ranges = {{{{",
    ]
    lines += [f"    {{0x{a:X}, 0x{b:X}, {v}}}," for a, b, v in rows]
    lines += ["}};", "", "}  // namespace artemis", ""]
    with open(path, "w") as file:
        file.write("\n".join(lines))


main(sys.argv[1])
