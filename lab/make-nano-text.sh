#!/usr/bin/env bash
# make-nano-text.sh [OPTIONS OF artemis tune]: makes nano-text from nothing: corpus, tokenizer, training.
# All it makes lies under lab/runs/text; the model in lab/runs/text/nano-text. ARTEMIS_ROWS sets the corpus's size.
set -euo pipefail
cd "$(dirname "$0")/.."
artemis=${ARTEMIS:-build/artemis}
work=lab/runs/text
rows=${ARTEMIS_ROWS:-1200000}
mkdir -p "$work"

[[ -f $work/train.jsonl ]] || "$artemis" corpus --out "$work/train.jsonl" --count "$rows" --seed 1
[[ -f $work/held-out.jsonl ]] || "$artemis" corpus --out "$work/held-out.jsonl" --count 2048 --seed 2
if [[ ! -d $work/tokenizer ]]; then
  "$artemis" corpus --out "$work/vocabulary.jsonl" --count 60000 --seed 1
  "$artemis" tokenizer --data "$work/vocabulary.jsonl" --vocab-size 824 --min-frequency 20 \
    --chat-template lab/text/chat_template.jinja --out "$work/tokenizer"
  cp lab/text/generation_config.json "$work/tokenizer/"
fi
[[ -d $work/start ]] || "$artemis" init --config lab/text/config.json --tokenizer "$work/tokenizer" \
  --out "$work/start" --seed 1 --dtype bf16
"$artemis" tune --config lab/recipes/nano-text.yaml --model "$work/start" --out "$work/run" \
  --data "$work/train.jsonl" --eval.data "$work/held-out.jsonl" "$@"
rm -rf "$work/nano-text"
"$artemis" merge --model "$work/start" --trained "$work/run" --out "$work/nano-text"
