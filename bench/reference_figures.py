"""The reference package's figures on one GPU as JSON for `artemis bench --peers`: reads on stdin what a script prints that
times artemis-vlm at the same sizes, one line a figure, as in the table of docs/performance.md.

Usage: python reference_script.py | tee reference.log | python bench/reference_figures.py > peers.json
"""

import json
import re
import sys

PATTERNS = {
    "vision_b1_ms": r"vision tower bs 1 .*?: ([\d.]+) ms",
    "vision_b16_images_s": r"vision tower bs 16 .*?([\d.]+) images/s",
    "train_b2x4_samples_s": r"stage1 train bs 2 x ga 4 .*?([\d.]+) samples/s",
    "train_b2x4_peak_gib": r"stage1 train bs 2 x ga 4 .*?peak ([\d.]+) GiB",
    "train_b8_samples_s": r"stage1 train bs 8 x ga 1 .*?([\d.]+) samples/s",
    "train_b8_peak_gib": r"stage1 train bs 8 x ga 1 .*?peak ([\d.]+) GiB",
    "ttft_280_ms": r"generate \(dynamic cache\) 1 tokens .*?: ([\d.]+) ms",
    "decode_b1_bf16_tok_s": r"decode eager: ([\d.]+) tok/s",
    "decode_b1_bf16_compiled_tok_s": r"decode static\+compile: ([\d.]+) tok/s",
    "product_bf16_tflop_s": r"ceiling bf16 gemm .*?: ([\d.]+) TFLOP/s",
    "read_tb_s": r"ceiling read.*?: ([\d.]+) TB/s",
}

text = sys.stdin.read()
versions = re.search(r"versions (.*)", text)
figures = {}
for name, pattern in PATTERNS.items():
    match = re.search(pattern, text)
    if match:
        figures[name] = float(match.group(1))
if not figures:
    sys.exit("no figure was found on stdin")
json.dump({"artemis_vlm": {"versions": versions.group(1) if versions else "", **figures}}, sys.stdout, indent=2)
print()
