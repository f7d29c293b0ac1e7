#!/usr/bin/env python3
"""The training step (batch 16) and the frame (batch 1) of both networks in PyTorch on the CPU, as bench_train_step does them.

    pip install torch && python bench/peers/torch_step.py [--rounds 9] [--json FILE] [--bf16] [--onnx FOLDER]

Prints medians with p10 and p90 for both memory layouts. --bf16 measures channels_last under bfloat16 autocast alone; --onnx writes both
networks there instead of measuring them. bench/compare_torch runs all this beside afterglow.
"""
import argparse
import json
import statistics
import time

import torch
from torch import nn

BATCH = 16
BETA = 0.8


def block(c, k, size, padding, after=None, stride=1, norm=True):
    layers = [nn.Conv2d(c, k, size, stride=stride, padding=padding), nn.ReLU(inplace=True)]
    if after == "pool":
        layers.append(nn.AvgPool2d(3, 2))
    elif after == "up":
        layers.append(nn.Upsample(scale_factor=2))
    if norm:
        layers.append(nn.BatchNorm2d(k, eps=1e-3, momentum=0.01))
    return layers


def alexnet():
    return nn.Sequential(
        *block(6, 96, 9, 0, "pool", stride=2), *block(96, 256, 5, 2, "pool"), *block(256, 384, 3, 1),
        *block(384, 384, 3, 1), *block(384, 256, 3, 1, "pool"), *block(256, 256, 1, 0, "up"),
        *block(256, 384, 3, 0, "up"), *block(384, 384, 3, 0, "up"), *block(384, 256, 5, 0, "up"),
        *block(256, 96, 5, 2, "up"), *block(96, 3, 5, 2, norm=False))


def vgg16():
    encoder, channels = [], 3
    for convs, filters in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(convs):
            encoder += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU(inplace=True)]
            channels = filters
        encoder.append(nn.MaxPool2d(2))
    frozen = nn.Sequential(*encoder).requires_grad_(False)
    return nn.Sequential(
        *block(6, 3, 1, 0), frozen, *block(512, 256, 1, 0, "up"), *block(256, 384, 3, 0, "up"),
        *block(384, 384, 3, 0, "up"), *block(384, 256, 5, 0, "up"), *block(256, 256, 5, 2, "up"),
        *block(256, 96, 5, 2, "up"), *block(96, 3, 5, 2, norm=False))


def measured(name, frames, rounds, work):
    work()
    samples = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        samples.append((time.perf_counter() - start) * 1e3)
    samples.sort()
    p10, p90 = samples[len(samples) // 10], samples[-1 - len(samples) // 10]
    median = statistics.median(samples)
    print(f"{name:44s} {median:8.1f} ms  (p10 {p10:.1f}, p90 {p90:.1f})  {frames / median * 1e3:.1f} frames/s", flush=True)
    return {"name": name, "median_ms": median, "p10_ms": p10, "p90_ms": p90}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json")
    parser.add_argument("--bf16", action="store_true", help="channels_last under bfloat16 autocast")
    parser.add_argument("--onnx", metavar="FOLDER", help="write FOLDER/alexnet.onnx and vgg16.onnx, measure nothing")
    options = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(len(__import__("os").sched_getaffinity(0)))
    if options.onnx:
        for name, build in (("alexnet", alexnet), ("vgg16", vgg16)):
            torch.onnx.export(build().eval(), (torch.rand(1, 6, 128, 128) * 255,), f"{options.onnx}/{name}.onnx",
                              input_names=["x"], opset_version=17, dynamo=False)
        return
    rows = []
    for name, build in (("alexnet", alexnet), ("vgg16", vgg16)):
        for layout in (torch.channels_last,) if options.bf16 else (torch.contiguous_format, torch.channels_last):
            label = f"{'channels_last' if layout is torch.channels_last else 'nchw'}{' bf16' if options.bf16 else ''}"
            model = build().to(memory_format=layout)
            x = (torch.rand(BATCH, 6, 128, 128) * 255).contiguous(memory_format=layout)
            y = (torch.rand(BATCH, 3, 128, 128) * 255).contiguous(memory_format=layout)
            adam = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], eps=1e-7)

            def step():
                with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
                    p = model(x)
                p = p.float()
                change = (p[1:] - p[:-1]).square().mean(dim=(1, 2, 3)).sum() / BATCH
                loss = BETA * (p - y).square().mean() + (1 - BETA) * change
                adam.zero_grad(set_to_none=True)
                loss.backward()
                adam.step()

            def frame():
                with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
                    model(x[:1])

            model.train()
            rows.append(measured(f"{name} training step, {label}", BATCH, options.rounds, step))
            model.eval()
            rows.append(measured(f"{name} frame, {label}", 1, 4 * options.rounds, frame))
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"torch": torch.__version__, "threads": torch.get_num_threads(), "rows": rows}, file, indent=2)


if __name__ == "__main__":
    main()
