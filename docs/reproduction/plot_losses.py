#!/usr/bin/env python3
"""Draws the training loss of several runs as an SVG: plot_losses.py OUT.svg RUN_FOLDER... (standard library only)."""
import json
import math
import pathlib
import sys

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 60, 150, 20, 45
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"]  # Okabe-Ito


def epoch_means(run):
    """Mean step loss of each epoch."""
    sums = {}
    for line in (run / "log.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if "step" in entry and "loss" in entry:
            total, count = sums.get(entry["epoch"], (0.0, 0))
            sums[entry["epoch"]] = (total + entry["loss"], count + 1)
    return [(epoch, total / count) for epoch, (total, count) in sorted(sums.items())]


def main():
    out, runs = pathlib.Path(sys.argv[1]), [pathlib.Path(name) for name in sys.argv[2:]]
    curves = {run.name: epoch_means(run) for run in runs}
    last = max(epoch for curve in curves.values() for epoch, _ in curve)
    low = math.floor(math.log10(min(loss for curve in curves.values() for _, loss in curve)))
    high = math.ceil(math.log10(max(loss for curve in curves.values() for _, loss in curve)))
    first = min(epoch for curve in curves.values() for epoch, _ in curve)

    def x(epoch):
        return LEFT + (epoch - first) / max(last - first, 1) * (WIDTH - LEFT - RIGHT)

    def y(loss):
        return TOP + (high - math.log10(loss)) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for power in range(low, high + 1):
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(10**power):.1f}" y2="{y(10**power):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(10**power) + 4:.1f}" text-anchor="end">{10**power:g}</text>')
    for epoch in range(first, last + 1, max(1, (last - first + 1) // 5)):
        parts.append(f'<text x="{x(epoch):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{epoch}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">epoch</text>')
    parts.append(f'<text x="14" y="{TOP + 8}">loss (0..255 squared units), mean of an epoch\'s steps</text>')
    ends = sorted(curves, key=lambda name: y(curves[name][-1][1]))
    label_y = -math.inf
    for name in ends:
        curve, colour = curves[name], COLOURS[list(curves).index(name) % len(COLOURS)]
        points = " ".join(f"{x(epoch):.1f},{y(loss):.1f}" for epoch, loss in curve)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        label_y = max(label_y + 15, y(curve[-1][1]) + 4)
        parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{label_y:.1f}" fill="{colour}">{name}</text>')
    parts.append("</svg>\n")
    out.write_text("\n".join(parts))


if __name__ == "__main__":
    main()
