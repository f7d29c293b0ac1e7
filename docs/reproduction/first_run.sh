#!/usr/bin/env bash
# The main job on real clips: both networks, trained with the previous input frame and on their own outputs, on hiking clips 1 and 2;
# clip 3 coloured recurrently and measured. What came out is in first-run.md.
#   docs/reproduction/first_run.sh CLIPS VGG16_WEIGHTS OUT [EPOCHS]
# CLIPS holds color_N.mp4, colorized_N.mp4 and bw_N.mp4 for N = 1, 2, 3. Finished or interrupted trainings are resumed.
set -euo pipefail
clips=$1 weights=$2 out=$3 epochs=${4:-30}
afterglow=$(dirname "$0")/../../build/release/afterglow
mkdir -p "$out"

"$afterglow" prepare --truth "$clips"/color_[123].mp4 --colorized "$clips"/colorized_[123].mp4 \
  --out "$out/hiking.h5" --fit crop --test 3

for arch in alexnet vgg16; do
  pretrained=()
  [[ $arch == vgg16 ]] && pretrained=(--vgg16-weights "$weights" --vgg16-partial)
  for previous in baseline own; do
    run=$out/$arch-$previous
    resume=()
    [[ -e $run ]] && resume=(--resume)
    "$afterglow" train --data "$out/hiking.h5" --out "$run" --arch "$arch" "${pretrained[@]}" --beta 0.8 \
      --previous "$previous" --epochs "$epochs" --batch 4 --seed 1 "${resume[@]}"
    for output in paper source; do
      "$afterglow" colorize "$clips/colorized_3.mp4" --model "$run/model.h5" --gray "$clips/bw_3.mp4" \
        --output "$output" --codec lossless --out "$run/clip3-$output.mkv"
      "$afterglow" evaluate --truth "$clips/color_3.mp4" --result "$run/clip3-$output.mkv" --fit crop \
        --gray "$clips/bw_3.mp4" --baseline "$clips/colorized_3.mp4" --halved \
        --json "$run/clip3-$output.json" --sheet "$run/clip3-$output.png"
    done
  done
done
