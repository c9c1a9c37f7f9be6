#!/usr/bin/env bash
# test-serve.sh BUILD [PART...]: `artemis serve` with the nano model, asked by programs of others.
# Parts, all of them but slow where none is named:
#   client     the official Python client of OpenAI: chat, streams, pictures, tools, schemas
#   malformed  requests that must be refused within a second while others' streams go on
#   page       the chat page in headless Chromium; its screenshots lie in BUILD/screenshots
#   drops      DROPS (20) requests are dropped in each of three states: their places are free within a pass
#   hangups    HANGUPS (500) requests in HANGUP_STREAMS (200) at once, a fifth of them dropped, too little room for all
#   slow       SLOW_SENDERS (1000) dribble for SLOW_SECONDS (60): the others' p99 stays under twice its base
#   soak       SOAK_CLIENTS (200) for SOAK_SECONDS (120), a fifth of whom hang up, beside slow senders and malformed
#              requests: nothing lost, mixed up or leaked, memory within SOAK_DRIFT (3) per cent
# ARTEMIS_SEED=N repeats the random choices of the last four.
# A part is a function part_NAME below. Each starts a server of its own and ends it with SIGTERM;
# a server that does not end cleanly fails the part. Python packages go into BUILD/serve-venv, from the versions in
# tests/serve/requirements.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

parts=(client page malformed drops hangups soak)

if [[ $# -lt 1 ]]; then
  echo "usage: scripts/test-serve.sh BUILD [PART...]" >&2
  exit 2
fi
build=$1
shift
artemis=$build/artemis
venv=$build/serve-venv
seed=${ARTEMIS_SEED:-$RANDOM}
work=$(mktemp -d)
server=
cleanup() {
  if [[ -n $server ]]; then kill -KILL "$server" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT

# The interpreter with the packages of tests/serve/requirements.txt.
python() {
  local wanted=tests/serve/requirements.txt
  if ! cmp -s "$wanted" "$venv/requirements.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$wanted"
    cp "$wanted" "$venv/requirements.txt"
  fi
  "$venv/bin/python" "$@"
}

# start_server OPTION...: sets `server` and `url` once it is ready.
start_server() {
  : >"$work/out"
  "$artemis" serve --model nano-vlm --model-name nano --port 0 "$@" >"$work/out" 2>"$work/log" &
  server=$!
  for _ in $(seq 300); do
    url=$(sed -n 's/^artemis serve: \(http[^ ]*\) .*/\1/p' "$work/out")
    if [[ -n $url ]]; then return; fi
    if ! kill -0 "$server" 2>/dev/null; then break; fi
    sleep 0.1
  done
  echo "test-serve: the server did not start" >&2
  cat "$work/log" >&2
  exit 1
}

stop_server() {
  kill -TERM "$server"
  if ! wait "$server"; then
    echo "test-serve: the server did not end cleanly" >&2
    grep -v '^[A-Z]* /' "$work/log" | head -200 >&2  # without the lines of requests: a sanitizer's report, say
    exit 1
  fi
  server=
}

# A picture as clients send it.
draw_picture() {
  "$artemis" scenes --out "$work/scenes" --set validation --count 4 --seed 13 >/dev/null
  tar -xf "$work/scenes/validation-00000.tar" -C "$work"
}

part_client() {
  draw_picture
  start_server --api-key test-key
  python tests/serve/openai_client.py --url "$url" --key test-key --picture "$work/validation-00000001.jpg"
  stop_server
}

part_page() {
  draw_picture
  start_server
  python tests/serve/page_test.py --url "$url" --picture "$work/validation-00000001.jpg" --screenshots "$build/screenshots"
  stop_server
}

part_malformed() {
  start_server --max-pixels 1000000
  python tests/serve/malformed.py --url "$url"
  stop_server
}

part_drops() {
  start_server --max-sequences 32 --step-tokens 64
  python3 tests/serve/drops.py --url "$url" --pid "$server" --seed "$seed" --sequences 32 --drops "${DROPS:-20}"
  stop_server
}

part_hangups() {
  # Room for those too who have left, which the server has not seen yet, beside those who came in their place.
  start_server --max-waiting "$((2 * ${HANGUP_STREAMS:-200}))" --step-tokens 64 --cache-tokens 4096
  python3 tests/serve/hangups.py --url "$url" --pid "$server" --seed "$seed" --requests "${HANGUPS:-500}" \
    --streams "${HANGUP_STREAMS:-200}"
  stop_server
}

part_slow() {
  start_server
  python3 tests/serve/slow.py --url "$url" --pid "$server" --seed "$seed" --senders "${SLOW_SENDERS:-1000}" \
    --seconds "${SLOW_SECONDS:-60}"
  stop_server
}

part_soak() {
  draw_picture
  start_server --max-waiting 512 --max-pixels 1000000
  python3 tests/serve/soak.py --url "$url" --pid "$server" --seed "$seed" --clients "${SOAK_CLIENTS:-200}" \
    --seconds "${SOAK_SECONDS:-120}" --drift "${SOAK_DRIFT:-3}" --picture "$work/validation-00000001.jpg"
  stop_server
}

chosen=("$@")
if [[ ${#chosen[@]} -eq 0 ]]; then chosen=("${parts[@]}"); fi
for part in "${chosen[@]}"; do
  if [[ $(type -t "part_$part") != function ]]; then
    echo "test-serve: there is no part '$part', expected some of: ${parts[*]} slow" >&2
    exit 2
  fi
  echo "test-serve: $part"
  "part_$part"
done
