#!/usr/bin/env bash
# From a fresh clone to a colour film: sets everything up, builds, makes clips, trains a small run, colours held-out clips,
# measures them. Minutes on two cores; what it makes lies in demo/ (started over at each call).
#   ./demo.sh [EPOCHS]      default 12
set -euo pipefail
cd "$(dirname "$0")"

epochs=${1:-12}
if ! [[ $epochs =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: ./demo.sh [EPOCHS]" >&2
  exit 2
fi
step() { printf '\n== %s\n' "$1"; }

step "Packages"
scripts/install_dependencies.sh

step "Build"
cmake --preset release -D AFTERGLOW_TESTS=OFF -D AFTERGLOW_BENCHMARKS=OFF >/dev/null
cmake --build --preset release
afterglow=build/release/afterglow

rm -rf demo
mkdir demo

step "Clips: moving shapes, their gray version, and a simulated per-frame colorization"
"$afterglow" synth --out demo/clips --clips 8 --frames 48 --size 256 --seed 1

step "Dataset: six clips to learn from, two held out"
"$afterglow" prepare --truth demo/clips/color_*.mkv --colorized demo/clips/colorized_*.mkv \
  --out demo/data.h5 --fit resize --test 7,8 --val 6

step "Training: the AlexNet-based network, $epochs epochs"
"$afterglow" train --data demo/data.h5 --out demo/run --arch alexnet --beta 0.2 --previous own --batch 4 \
  --epochs "$epochs" --seed 1

step "Colouring the held-out clips, frame by frame, each from the one before"
for clip in 7 8; do
  "$afterglow" colorize "demo/clips/colorized_$clip.mkv" --model demo/run/model.h5 \
    --output source --out "demo/film_$clip.mkv"
done

step "The same clips through the steady network that is part of the program"
for clip in 7 8; do
  "$afterglow" colorize "demo/clips/colorized_$clip.mkv" --out "demo/steady_$clip.mkv"
done

step "How good are they?"
for film in film_7 film_8 steady_7 steady_8; do
  clip=${film#*_}
  sheet=()
  if [[ $film == film_7 ]]; then sheet=(--sheet demo/contact_sheet.png --sheet-row steady=demo/steady_7.mkv); fi
  "$afterglow" evaluate --truth "demo/clips/color_$clip.mkv" --result "demo/$film.mkv" \
    --gray "demo/clips/gray_$clip.mkv" --baseline "demo/clips/colorized_$clip.mkv" \
    --json "demo/$film.json" "${sheet[@]}"
done

cat <<'END'

Done. Look at
  demo/contact_sheet.png   seven frames: truth, gray, per-frame input, result (of the network just trained), the steady network
  demo/film_7.mkv          the film by the network just trained (and film_8), and its scores, film_7.json
  demo/steady_7.mkv        the same by the steady network in the box (and steady_8)
  demo/run/                the trained network, its log and its configuration
END
