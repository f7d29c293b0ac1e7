#!/usr/bin/env python3
"""The training step (batch 16) and the frame (batch 1) of both networks in PyTorch on a CUDA device, as bench_gpu does them.

    python bench/peers/torch_gpu.py [--json FILE] [--seconds N]

Eager, as a CUDA graph and under torch.compile; float32, TF32 and bfloat16 autocast; NCHW and channels_last; medians of device time. What
compiles takes longest and comes last; behind --seconds nothing more is begun.
"""
import argparse
import itertools
import json
import os
import statistics
import time

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


def training_step(model, layout, bf16, graph=False):
    x = (torch.rand(BATCH, 6, 128, 128, device="cuda") * 255).contiguous(memory_format=layout)
    y = (torch.rand(BATCH, 3, 128, 128, device="cuda") * 255).contiguous(memory_format=layout)
    adam = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], eps=1e-7, fused=True, capturable=graph)

    def step():
        with torch.autocast("cuda", torch.bfloat16, enabled=bf16, cache_enabled=False):
            p = model(x)
        p = p.float()
        change = (p[1:] - p[:-1]).square().mean(dim=(1, 2, 3)).sum() / BATCH
        loss = BETA * (p - y).square().mean() + (1 - BETA) * change
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()

    return step


def frame(model, layout, bf16, graph=False):  # the same work for both
    x = (torch.rand(1, 6, 128, 128, device="cuda") * 255).contiguous(memory_format=layout)

    def run():
        with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=bf16, cache_enabled=False):
            model(x)

    return run


def graphed(work):
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()

    def replay(_memory=work):  # whose tensors the graph reads and writes
        graph.replay()

    return replay


def compiled(model):
    torch.compiler.reset()  # both networks are a Sequential, whose code is compiled a few times at most
    return torch.compile(model)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args()
    rows, begun = [], time.monotonic()

    def report(name, precision, work):
        if time.monotonic() - begun > options.seconds:
            print(f"{name:44s} {precision:5s} not measured: out of time", flush=True)
            return
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

    for compiles in (False, True):
        for precision, layout, (name, build) in itertools.product(
                ("fp32", "tf32", "bf16"), (torch.channels_last, torch.contiguous_format), (("alexnet", alexnet), ("vgg16", vgg16))):
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "fp32"
            torch.backends.cudnn.benchmark = True
            bf16 = precision == "bf16"
            label = "channels_last" if layout is torch.channels_last else "nchw"
            torch.manual_seed(1)
            model = build().cuda().to(memory_format=layout)
            for what, make in (("training step", training_step), ("frame", frame)):
                model.train(what == "training step")
                if compiles:
                    report(f"{name} {what}, compile, {label}", precision, lambda: make(compiled(model), layout, bf16))
                    continue
                report(f"{name} {what}, eager, {label}", precision, lambda: make(model, layout, bf16))
                report(f"{name} {what}, CUDA graph, {label}", precision, lambda: graphed(make(model, layout, bf16, graph=True)))


if __name__ == "__main__":
    main()
