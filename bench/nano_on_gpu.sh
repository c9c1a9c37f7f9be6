#!/usr/bin/env bash
# The nano laboratory on the CPU and on the GPU, in f32 from one start: the eval losses of Stage 1, and the greedy
# captions of one model on either device, which must be the same.
# Usage: bench/nano_on_gpu.sh OUT [ARTEMIS]     (ARTEMIS: the program, build/artemis by default)
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1
artemis=${2:-build/artemis}
mkdir -p "$out"
"$artemis" scenes --out "$out/train" --count 20000 --seed 31 >/dev/null
"$artemis" scenes --out "$out/validation" --set validation --count 256 --seed 13 >/dev/null
"$artemis" graft --text nano-text --vision nano-tower --out "$out/graft" >/dev/null
for device in cpu cuda; do
  "$artemis" align --config lab/recipes/nano-vlm.yaml --model "$out/graft" --data "$out/train" --device $device \
    --eval.data "$out/validation" --out "$out/run-$device" --merge "$out/nano-vlm-$device" 2>/dev/null |
    sed -n "s/^eval loss/Stage 1 on $device: eval loss/p"
done
mkdir "$out/pictures"
tar -xf "$out/validation/validation-00000.tar" -C "$out/pictures"
same=0
all=0
for picture in $(find "$out/pictures" -name '*.jpg' | sort | head -20); do
  for device in cpu cuda; do
    "$artemis" generate --model "$out/nano-vlm-cpu" --device $device --image "$picture" --no-thinking --json \
      --prompt 'Describe this image.' | grep -o '"ids":\[[^]]*\]' >"$out/caption-$device"
  done
  all=$((all + 1))
  if cmp -s "$out/caption-cpu" "$out/caption-cuda"; then same=$((same + 1)); fi
done
echo "greedy captions in f32: $same of $all are the same tokens on both devices"
[ "$same" = "$all" ]
