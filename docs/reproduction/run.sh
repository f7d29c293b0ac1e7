#!/usr/bin/env bash
# The paper's comparison on real footage: the three configurations with three seeds; AlexNet over beta; the departures of the paper's
# code; the temporal term along the motion. The same command goes on where it was stopped: hours of a CPU.
#   docs/reproduction/run.sh HIKING CLIPS VGG16_WEIGHTS OUT [OPTION of compare...]
# HIKING holds color_N.mp4 and colorized_N.mp4, N = 1, 2, 3 (the paper's clips and what Zhang's ECCV16 made of them); CLIPS holds
# other films, whose per-frame colorization is simulated. Of each film the first 45 frames are used.
set -euo pipefail
hiking=$1 clips=$2 weights=$3 out=$4
shift 4
here=$(dirname "$0")
afterglow=$here/../../build/release/afterglow
mkdir -p "$out"

if [[ ! -f $out/data.h5 ]]; then
  # Pairs are found by name.
  mkdir -p "$out/truth" "$out/colorized"
  for n in 1 2 3; do
    ln -sf "$(realpath "$hiking/color_$n.mp4")" "$out/truth/hiking_$n.mp4"
    ln -sf "$(realpath "$hiking/colorized_$n.mp4")" "$out/colorized/hiking_$n.mp4"
  done
  # Five whole clips are kept aside, three are watched while training.
  "$afterglow" prepare --truth "$out/truth" "$clips" --colorized "$out/colorized" --colorizer simulated --max-frames 45 --fit crop --flow \
    --test hiking_3,bear,carphone_pristine,flower,mbike-trick --val bikes,tea-pour,woman-running --out "$out/data.h5"
fi
"$afterglow" compare --data "$out/data.h5" --out "$out/report" --plan "$here/plan.toml" --ablate paper-code,motion --epochs 10 \
  --vgg16-weights "$weights" --vgg16-partial "$@"
