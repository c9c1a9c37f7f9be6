#!/usr/bin/env bash
# make-nano-instruct.sh [OPTIONS OF artemis tune]: Stage 2 on lab/models/nano-vlm, then its answers to questions on
# held-out pictures and its text loss before and after. All it makes lies under lab/runs/instruct.
set -euo pipefail
cd "$(dirname "$0")/.."
artemis=${ARTEMIS:-build/artemis}
work=lab/runs/instruct
model=lab/models/nano-vlm
mkdir -p "$work"

[[ -d $work/questions ]] || "$artemis" scenes --out "$work/questions" --count 32000 --seed 21 --questions 1
[[ -d $work/captions ]] || "$artemis" scenes --out "$work/captions" --count 16000 --seed 22
[[ -d $work/validation ]] || "$artemis" scenes --out "$work/validation" --set validation --count 512 --seed 23
[[ -f $work/text.jsonl ]] || "$artemis" corpus --out "$work/text.jsonl" --count 40000 --seed 24
[[ -f $work/text-held-out.jsonl ]] || "$artemis" corpus --out "$work/text-held-out.jsonl" --count 2048 --seed 25
rm -rf "$work/nano-instruct"
"$artemis" tune --config lab/recipes/nano-instruct.yaml --model "$model" --out "$work/run" \
  --merge "$work/nano-instruct" "$@"
for stage in "$model" "$work/nano-instruct"; do
  "$artemis" eval --model "$stage" --scenes "validation=$work/validation" --ask --data "$work/text-held-out.jsonl"
done
