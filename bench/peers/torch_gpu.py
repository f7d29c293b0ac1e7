#!/usr/bin/env python3
"""The training step (batch 16) and the frame (batch 1) of both networks in PyTorch on a CUDA device, as bench_gpu does them.

    python bench/peers/torch_gpu.py [--json FILE]

Eager and torch.compile, float32, TF32 and channels_last under bfloat16 autocast, frames also as a CUDA graph; medians of device time.
"""
import argparse
import json
import os
import statistics

import torch

from torch_step import BATCH, BETA, alexnet, vgg16

EACH, RUNS = 10, 9


def microseconds(work):
    for _ in range(3):
        work()
    samples = []
    for _ in range(RUNS):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        for _ in range(EACH):
            work()
        end.record()
        end.synchronize()
        samples.append(begin.elapsed_time(end) * 1e3 / EACH)
    return statistics.median(samples)


def training_step(model, layout, bf16):
    x = (torch.rand(BATCH, 6, 128, 128, device="cuda") * 255).contiguous(memory_format=layout)
    y = (torch.rand(BATCH, 3, 128, 128, device="cuda") * 255).contiguous(memory_format=layout)
    adam = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], eps=1e-7, fused=True)

    def step():
        with torch.autocast("cuda", torch.bfloat16, enabled=bf16):
            p = model(x)
        p = p.float()
        change = (p[1:] - p[:-1]).square().mean(dim=(1, 2, 3)).sum() / BATCH
        loss = BETA * (p - y).square().mean() + (1 - BETA) * change
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()

    return step


def graphed(model, x, bf16):
    with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=bf16, cache_enabled=False):
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            for _ in range(3):
                model(x)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            model(x)
    return graph.replay


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    options = parser.parse_args()
    rows = []

    def report(name, precision, work):
        try:
            median = microseconds(work())
        except Exception as problem:  # one way that PyTorch cannot go is no reason to lose the others
            print(f"{name:44s} {precision:5s} not measured: {str(problem).splitlines()[0]}", flush=True)
            return
        print(f"{name:44s} {precision:5s} {median:10.1f} us", flush=True)
        rows.append({"name": name, "precision": precision, "median_us": median})
        if options.json:  # behind each row: a run that is cut off leaves what it has
            with open(options.json + ".new", "w") as file:
                json.dump({"torch": torch.__version__, "device": torch.cuda.get_device_name(), "rows": rows}, file, indent=2)
            os.replace(options.json + ".new", options.json)

    for precision in ("fp32", "tf32", "bf16"):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "fp32"
        torch.backends.cudnn.benchmark = True
        bf16 = precision == "bf16"
        layout = torch.channels_last if bf16 else torch.contiguous_format
        for name, build in (("alexnet", alexnet), ("vgg16", vgg16)):
            torch.manual_seed(1)
            model = build().cuda().to(memory_format=layout)
            x = (torch.rand(1, 6, 128, 128, device="cuda") * 255).contiguous(memory_format=layout)

            def frame(network):
                def run():
                    with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=bf16):
                        network(x)

                return run

            model.train()
            report(f"{name} training step, eager", precision, lambda: training_step(model, layout, bf16))
            report(f"{name} training step, compile", precision, lambda: training_step(torch.compile(model), layout, bf16))
            model.eval()
            report(f"{name} frame, eager", precision, lambda: frame(model))
            report(f"{name} frame, CUDA graph", precision, lambda: graphed(model, x, bf16))


if __name__ == "__main__":
    main()
