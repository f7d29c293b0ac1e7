#!/usr/bin/env python3
"""Measures models of `colorize` on films coloured frame by frame (weights/models/CARD.md).

usage: measure_steady.py AFTERGLOW OUT TRUTH INPUT [NAME=MODEL...]

TRUTH is a film, or a folder of films or of folders of numbered pictures. INPUT says how they were coloured: "muted" or "vivid" (the
simulated colorizers, seed 5), or FILM,GRAY: a film that some other colorizer made of a gray one. Each model colours them; without a
model the one in the box does, too. Prints a Markdown table with a column a clip: PSNR in dB, chroma warping error along DIS flow
(x 1e4), colourfulness over the truth's. What was made stays in OUT, and is not made again.
"""
import json
import pathlib
import subprocess
import sys

TRIVIAL = [("gray", "gray"), ("baseline", "input"), ("baseline_halved", "input, chroma halved"), ("baseline_carried", "input, carried (0.95)")]


def films(place):
    """The film, the films of a folder, or its folders of pictures."""
    if place.is_file():
        return [place]
    return sorted(path for path in place.iterdir() if path.is_dir() or path.suffix in (".mkv", ".mp4"))


def cell(scores, truth):
    values = scores["psnr"], scores["ewarp_ab_dis"] * 1e4, scores["colorfulness"] / truth["colorfulness"]
    return "{:.2f} / {:.2f} / {:.2f}".format(*values)


def main():
    afterglow, out, truth, kind, *models = sys.argv[1:]
    out, truths = pathlib.Path(out), films(pathlib.Path(truth))

    def run(done, *arguments):
        if not done.exists():
            subprocess.run([afterglow, *map(str, arguments)], check=True)

    gray = []
    if kind in ("muted", "vivid"):
        simulated = out / kind
        run(simulated / "config.toml", "synth", "--truth", *truths, "--kind", kind, "--seed", 5, "--out", simulated)
        inputs = films(simulated / "colorized")
        assert len(inputs) == len(truths), f"{simulated} lacks films"
    else:
        film, gray_film = map(pathlib.Path, kind.split(","))
        inputs, gray, kind = [film], ["--gray", gray_film], film.stem

    rows = {}
    for name, model in [("the model in the box", None)] + [entry.split("=", 1) for entry in models]:
        place = out / (kind + "_results") / name.replace(" ", "_").replace("/", "_")
        results = [place / (film.stem + ".mkv") for film in inputs]
        place.mkdir(parents=True, exist_ok=True)
        for film, result in zip(inputs, results):
            run(result, "colorize", film, *gray, "--codec", "lossless", *(["--model", model] if model else []), "--out", result)
        scores = place / "scores.json"
        run(scores, "evaluate", "--truth", *truths, "--baseline", *inputs, "--result", *results, "--json", scores)
        read = json.loads(scores.read_text())
        columns = read["clips"] + ([{"id": "mean", **read["mean"]}] if len(read["clips"]) > 1 else [])
        for key, label in TRIVIAL:
            rows[label] = [cell(column[key], column["truth"]) for column in columns]
        rows[name] = [cell(column["result"], column["truth"]) for column in columns]
    print(f"\n| {kind} | " + " | ".join(column["id"] for column in columns) + " |")
    print("|---|" + "---|" * len(columns))
    for name, cells in rows.items():
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
