#!/usr/bin/env bash
# make-nano-tower.sh [OPTIONS OF artemis tune]: makes nano-tower from nothing: pictures, a donor graft trained end to
# end, the tower taken out of it. Needs what make-nano-text.sh made (corpus and tokenizer). All it makes lies under
# lab/runs/tower; the model in lab/runs/tower/nano-tower. ARTEMIS_PICTURES sets how many pictures of each kind are drawn.
set -euo pipefail
cd "$(dirname "$0")/.."
artemis=${ARTEMIS:-build/artemis}
work=lab/runs/tower
text=lab/runs/text
pictures=${ARTEMIS_PICTURES:-131072}
mkdir -p "$work"

[[ -d $work/captions ]] || "$artemis" scenes --out "$work/captions" --count "$pictures" --seed 11
[[ -d $work/questions ]] || "$artemis" scenes --out "$work/questions" --count "$pictures" --seed 12 --questions 1
for set in validation unseen-backgrounds unseen-counts unseen-pairs; do
  [[ -d $work/$set ]] || "$artemis" scenes --out "$work/$set" --set "$set" --count 256 --seed 13
done
[[ -d $work/start ]] || "$artemis" init --config lab/donor/config.json --tokenizer "$text/tokenizer" \
  --out "$work/start" --seed 2 --dtype bf16
"$artemis" tune --config lab/recipes/nano-tower.yaml --model "$work/start" --out "$work/run" \
  --eval.data "$work/validation" "$@"
rm -rf "$work/donor" "$work/nano-tower"
"$artemis" merge --model "$work/start" --trained "$work/run" --out "$work/donor"
"$artemis" extract --model "$work/donor" --part tower --out "$work/nano-tower"
# What the donor reaches, on the quickstart's held-out pictures: the measure of what the tower can show.
"$artemis" eval --model "$work/donor" --ask --json "$work/nano-tower/donor.json" \
  --scenes "validation=$work/validation" --scenes "unseen_backgrounds=$work/unseen-backgrounds" \
  --scenes "unseen_counts=$work/unseen-counts" --scenes "unseen_pair_scenes=$work/unseen-pairs"
