#!/usr/bin/env python3
"""Nano Stage 1 beside the reference trainer: the same rows in the same order, the same start, two curves.

It draws the rows, grafts nano-tower on nano-text, aligns the projector once with artemis and once with the public
Python package artemis-vlm, and writes into --out: ours.csv and reference.csv (every step), curves.svg, table.md
and result.json. The reference's part needs a venv (not part of the build or of CI):

    python3 -m venv venv
    venv/bin/pip install --extra-index-url <the CPU index of PyTorch> torch torchvision
    venv/bin/pip install artemis-vlm==0.1.4 transformers==5.24.0 tokenizers safetensors
    venv/bin/python bench/reference_curve.py --out /tmp/curve

Stages that are done are not done again. --docs FOLDER puts the plot and every 20th step of both curves there.
"""

import argparse
import csv
import io
import json
import os
import resource
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

BATCH, RATE, WARMUP, CLIP, DECAY = 8, 1e-3, 0.03, 1.0, 0.01
INSTRUCTION = "Describe this image."
SETS = {"train": 41, "validation": 42}  # and their seeds
LEGEND = (("reference", "#888888", "reference (artemis-vlm, PyTorch)"), ("ours", "#c2410c", "artemis"))


def command(*words):
    print("+", *words, flush=True)
    subprocess.run([str(word) for word in words], check=True)


def make_scenes(options):
    for name, seed in SETS.items():
        folder = options.shards / name
        if not folder.exists():
            count = options.steps * BATCH if name == "train" else options.eval_rows
            command(options.artemis, "scenes", "--out", folder, "--set", name, "--count", count, "--seed", seed,
                    "--threads", options.threads)


def make_graft(options):
    graft = options.out / "graft"
    if not graft.exists():
        command(options.artemis, "graft", "--text", options.models / "nano-text", "--vision",
                options.models / "nano-tower", "--dtype", "f32", "--out", graft)
    return graft


def write_curve(path, losses):
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["step", "loss"])
        writer.writerows([step, f"{loss:.6f}"] for step, loss in losses)


def read_curve(path):
    with path.open() as file:
        return [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file)]


class Clock:
    """Seconds of the clock, and of the processors that this process and its children took."""

    def __init__(self):
        self.start = time.monotonic(), self.processors()

    @staticmethod
    def processors():
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)

    def read(self):
        return {"seconds": time.monotonic() - self.start[0], "cpu_seconds": self.processors() - self.start[1]}


def run_ours(options, graft):
    run = options.out / "run"
    clock = Clock()
    command(options.artemis, "align", "--model", graft, "--out", run, "--data", options.shards / "train",
            "--eval.data", options.shards / "validation", "--eval.batches", 0, "--batch-size", BATCH,
            "--accumulation", 1, "--steps", options.steps, "--learning-rate", RATE, "--warmup-ratio", WARMUP,
            "--weight-decay", DECAY, "--max-grad-norm", CLIP, "--shuffle-window", 1, "--dtype", "f32",
            "--log-every", 1, "--threads", options.threads)
    spent = clock.read()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    write_curve(options.out / "ours.csv", [(line["step"], line["loss"]) for line in lines if "loss" in line])
    return {"eval_loss": [line["eval_loss"] for line in lines if "eval_loss" in line][-1], **spent}


def read_rows(folder):
    """The rows of a folder of shards, in order, as the reference's collator takes them."""
    from PIL import Image

    for shard in sorted(folder.glob("*.tar")):
        with tarfile.open(shard) as tar:
            members = iter(tar)
            for picture, text in zip(members, members):
                with Image.open(io.BytesIO(tar.extractfile(picture).read())) as image:
                    image.load()
                caption = json.load(tar.extractfile(text))["caption"]
                yield {"images": [image], "messages": [
                    {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": INSTRUCTION}]},
                    {"role": "assistant", "content": caption}]}


def batches(rows):
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []


def open_reference(graft, threads):
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch
    from artemis_vlm import ArtemisDataCollator, ArtemisVLMForConditionalGeneration, ArtemisVLMProcessor
    from transformers import AutoTokenizer

    torch.set_num_threads(threads)
    model = ArtemisVLMForConditionalGeneration.from_pretrained(graft, dtype=torch.float32)
    collate = ArtemisDataCollator(
        ArtemisVLMProcessor(AutoTokenizer.from_pretrained(graft), model.config.vision_config))
    model.set_training_stage("stage1")
    return model, collate


def make_optimizer(model, steps):
    import torch
    from transformers import get_cosine_schedule_with_warmup

    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    plain = [p for name, p in named if "bias" in name]  # of the names without decay, the projector has these
    decayed = [p for name, p in named if "bias" not in name]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": DECAY}, {"params": plain, "weight_decay": 0.0}], lr=RATE,
        betas=(0.9, 0.999), eps=1e-8)
    return decayed + plain, optimizer, get_cosine_schedule_with_warmup(optimizer, int(steps * WARMUP), steps)


def reference_eval(model, collate, rows):
    """The mean over all supervised tokens."""
    import torch

    total, tokens = 0.0, 0
    model.eval()
    with torch.no_grad():
        for rows_of_batch in batches(rows):
            batch = collate(rows_of_batch)
            supervised = int((batch["labels"][:, 1:] != -100).sum())
            total += float(model(**batch).loss) * supervised
            tokens += supervised
    return total / tokens


def run_reference(options, graft):
    import torch

    clock = Clock()
    model, collate = open_reference(graft, options.threads)
    parameters, optimizer, schedule = make_optimizer(model, options.steps)
    model.train()
    losses = []
    for step, rows in enumerate(batches(read_rows(options.shards / "train")), start=1):
        loss = model(**collate(rows)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append((step, float(loss.detach())))
        if step % 100 == 0:
            print(f"reference: step {step}, loss {losses[-1][1]:.4f}, {clock.read()['seconds']:.0f} s", flush=True)
        if step == options.steps:
            break
    eval_loss = reference_eval(model, collate, read_rows(options.shards / "validation"))
    spent = clock.read()
    write_curve(options.out / "reference.csv", losses)
    return {"eval_loss": eval_loss, **spent}


def smoothed(curve, window):
    values = [loss for _, loss in curve]
    return [(step, sum(values[max(0, i - window + 1): i + 1]) / min(i + 1, window))
            for i, (step, _) in enumerate(curve)]


def plot(curves, steps):
    """Both curves, each the mean of its last 20 steps, as an SVG."""
    width, height, left, top, right, bottom = 720, 360, 56, 24, 704, 316
    most = max(loss for curve in curves.values() for _, loss in smoothed(curve, 20))
    x = lambda step: left + (right - left) * step / steps
    y = lambda loss: bottom - (bottom - top) * loss / most
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
             'font-size="12">', f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
    for i in range(5):
        step, loss = steps * i // 4, most * i / 4
        parts.append(f'<line x1="{left}" x2="{right}" y1="{y(loss):.1f}" y2="{y(loss):.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y(loss) + 4:.1f}" text-anchor="end">{loss:.2f}</text>')
        parts.append(f'<text x="{x(step):.1f}" y="{bottom + 18}" text-anchor="middle">{step}</text>')
    for i, (name, color, label) in enumerate(LEGEND):
        points = " ".join(f"{x(step):.1f},{y(loss):.1f}" for step, loss in smoothed(curves[name], 20)[::4])
        line = 'stroke-width="1.2"' if name == "ours" else 'stroke-width="3.5" stroke-opacity="0.6"'
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" {line}/>')
        parts.append(f'<text x="{right - 250}" y="{top + 20 + 18 * i}" fill="{color}">{label}</text>')
    parts.append(f'<text x="{(left + right) / 2}" y="{height - 8}" text-anchor="middle">step</text></svg>')
    return "\n".join(parts) + "\n"


def table(result, curves, steps):
    lines = ["| | artemis | reference | difference |", "|---|---|---|---|"]
    for step in sorted({1, steps // 20, steps // 4, steps // 2, steps}):
        ours, theirs = (smoothed(curves[name], 20)[step - 1][1] for name in ("ours", "reference"))
        lines.append(f"| loss, step {step} (mean of up to 20) | {ours:.4f} | {theirs:.4f} | "
                     f"{100 * (ours / theirs - 1):+.2f} % |")
    ours, theirs = result["ours"], result["reference"]
    lines.append(f"| eval loss, step {steps} | {ours['eval_loss']:.4f} | {theirs['eval_loss']:.4f} | "
                 f"{100 * (ours['eval_loss'] / theirs['eval_loss'] - 1):+.2f} % |")
    for key, name in (("seconds", "seconds"), ("cpu_seconds", "processor seconds")):
        lines.append(f"| {name} | {ours[key]:.0f} | {theirs[key]:.0f} | |")
    return "\n".join(lines) + "\n"


def part(options, name, work):
    """The figures of a side, from its file where they are known."""
    path = options.out / f"{name}.json"
    if not path.exists():
        path.write_text(json.dumps(work(), indent=2) + "\n")
    return json.loads(path.read_text())


def main():
    here = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=Path, default=here / "lab/models", help="holds nano-text and nano-tower")
    parser.add_argument("--shards", type=Path, help="the rows; drawn where they are missing (default: OUT/shards)")
    parser.add_argument("--artemis", type=Path, default=here / "build/artemis")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--docs", type=Path, help="also put plot and thinned curves here")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--eval-rows", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.shards = options.shards or options.out / "shards"
    options.out.mkdir(parents=True, exist_ok=True)

    make_scenes(options)
    graft = make_graft(options)
    result = {"ours": part(options, "ours", lambda: run_ours(options, graft)),
              "reference": part(options, "reference", lambda: run_reference(options, graft))}
    curves = {name: read_curve(options.out / f"{name}.csv") for name in result}
    (options.out / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    (options.out / "table.md").write_text(table(result, curves, options.steps))
    (options.out / "curves.svg").write_text(plot(curves, options.steps))
    print(table(result, curves, options.steps))
    if options.docs:
        options.docs.mkdir(parents=True, exist_ok=True)
        shutil.copy(options.out / "curves.svg", options.docs / "nano-stage1.svg")
        for name, curve in curves.items():
            write_curve(options.docs / f"nano-stage1-{name}.csv", [row for row in curve if row[0] % 20 == 0])


if __name__ == "__main__":
    main()
