#!/usr/bin/env bash
# beside.sh NAME COMMAND... -- OTHER...: runs both at once; what the first printed comes when both have ended.
# Fails where one of them does.
set -uo pipefail

name=${1:-}
[[ $# -gt 0 ]] && shift
first=()
while [[ $# -gt 0 && $1 != -- ]]; do
  first+=("$1")
  shift
done
if [[ ${#first[@]} -eq 0 || $# -lt 2 ]]; then
  echo "usage: scripts/beside.sh NAME COMMAND... -- OTHER..." >&2
  exit 2
fi
shift

printed=$(mktemp)
echo "beside: $name goes on meanwhile"
"${first[@]}" >"$printed" 2>&1 &
running=$!
trap 'kill "$running" 2>/dev/null; rm -f "$printed"' EXIT
"$@"
failed=$?
if ! wait "$running"; then
  echo "beside: $name failed" >&2
  failed=1
fi
cat "$printed"
trap 'rm -f "$printed"' EXIT
exit "$failed"
