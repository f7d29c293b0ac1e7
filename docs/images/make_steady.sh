#!/usr/bin/env bash
# Makes steady.jpg: five frames and a flicker strip (the middle column of all frames, side by side) of a made-up clip. Rows: truth,
# simulated per-frame colorizer, what the steady network makes of it, gray film with its first and last frames given as key frames.
#   docs/images/make_steady.sh WORK_FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
afterglow=$here/../../build/release/afterglow
mkdir -p "$1"
cd "$1"
"$afterglow" synth --out clips --clips 4 --frames 60 --size 256 --seed 21
"$afterglow" colorize clips/colorized_1.mkv --out steady.mkv --codec lossless
"$afterglow" colorize clips/color_1.mkv --export-frames 0,59 --out keys
"$afterglow" colorize clips/gray_1.mkv --key keys --out keyed.mkv --codec lossless
rows=()
for film in clips/color_1.mkv clips/colorized_1.mkv steady.mkv keyed.mkv; do
  row=$(basename "$film" .mkv).png
  ffmpeg -v error -y -i "$film" -frames:v 1 -filter_complex \
    "split[a][b];[a]select='not(mod(n-2,14))',scale=128:128:flags=area,tile=5x1[frames];[b]crop=4:256:126:0,tile=60x1,scale=240:128:flags=area[strip];[frames][strip]hstack" "$row"
  rows+=(-i "$row")
done
ffmpeg -v error -y "${rows[@]}" -filter_complex vstack=4 -q:v 3 "$here/steady.jpg"
