#!/usr/bin/env bash
# From two small random checkpoints and a tar of captioned photographs to an aligned graft that captions a picture.
# All it makes lies under quickstart/.
set -euo pipefail
cd "$(dirname "$0")/.."
artemis=build/artemis
out=quickstart
rm -rf "$out"
mkdir -p "$out"
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say '1. Two small random checkpoints: a text decoder and a vision tower'
"$artemis" init --config lab/quickstart/text/config.json --tokenizer lab/quickstart/text --out "$out/text" --seed 1
"$artemis" init --config lab/quickstart/vision/config.json --out "$out/vision" --seed 2

say '2. The graft: tower + fresh projector + decoder'
"$artemis" graft --text "$out/text" --vision "$out/vision" --out "$out/graft"
"$artemis" inspect "$out/graft"

say '3. Stage 1: the projector learns from captioned photographs, all else is frozen'
tar --sort=name --mtime=@0 -cf "$out/photos.tar" -C lab/quickstart/photos --exclude=README.md .
"$artemis" align --model "$out/graft" --data "$out/photos.tar" --out "$out/run" --merge "$out/aligned" \
  --batch-size 3 --accumulation 2 --steps 60 --warmup-ratio 0.05 --learning-rate 1e-2 --max-grad-norm 1.0

say '4. A caption (the decoder is random, so the words are too; trained models come with the nano laboratory)'
"$artemis" generate --model "$out/aligned" --image lab/quickstart/photos/cat.jpg --prompt 'Describe this image.' \
  --no-thinking --max-new-tokens 24
