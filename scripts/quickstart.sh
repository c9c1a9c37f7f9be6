#!/usr/bin/env bash
# A decoder that never saw a picture learns to describe them: scenes are drawn, nano-tower is grafted onto nano-text,
# the projector alone is trained, and report.html shows what came of it. All it makes lies under quickstart/.
set -euo pipefail
cd "$(dirname "$0")/.."
artemis=build/artemis
out=quickstart
started=$(date +%s)
rm -rf "$out"
mkdir -p "$out"
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say '1. Pictures: scenes of plain objects, and sets that hold what training never shows'
"$artemis" scenes --out "$out/scenes/train" --count 20000 --seed 31
for set in validation unseen-backgrounds unseen-counts unseen-pairs; do
  "$artemis" scenes --out "$out/scenes/$set" --set "$set" --count 256 --seed 13
done
"$artemis" corpus --out "$out/text.jsonl" --count 128 --seed 2

say '2. The graft: nano-tower + a fresh projector + nano-text'
"$artemis" graft --text nano-text --vision nano-tower --out "$out/graft"

say '3. Stage 1: the projector learns from captioned pictures; tower and decoder are frozen'
"$artemis" align --config lab/recipes/nano-vlm.yaml --model "$out/graft" --data "$out/scenes/train" \
  --eval.data "$out/scenes/validation" --eval.every 250 --out "$out/run" --merge "$out/nano-vlm"

say '4. What it sees, before and after'
"$artemis" report --trained "$out/run" --before "$out/graft" --after "$out/nano-vlm" --bare nano-text \
  --scenes "$out/scenes" --rows "$out/text.jsonl" --donor lab/models/nano-tower/donor.json --started "$started" \
  --out "$out"

say '5. A caption'
tar -xf "$out/scenes/validation/validation-00000.tar" -C "$out" validation-00000005.jpg
"$artemis" generate --model "$out/nano-vlm" --image "$out/validation-00000005.jpg" --prompt 'Describe this image.' \
  --no-thinking
