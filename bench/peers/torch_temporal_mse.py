#!/usr/bin/env python3
"""The temporal loss with its gradient in PyTorch on the CPU, eager and compiled, as bench_temporal_mse does it.

    pip install torch && python bench/peers/torch_temporal_mse.py [--rounds 50] [--json FILE]

bench/compare_torch runs it beside afterglow. torch.compile needs a C++ compiler.
"""
import argparse
import json

import torch

from torch_step import measured

BETA = 0.8


def loss(p, y, follows):
    fidelity = ((p - y) ** 2).mean()
    temporal = (((p[1:] - p[:-1]) ** 2).mean(dim=(1, 2, 3)) * follows).sum() / p.shape[0]
    return BETA * fidelity + (1 - BETA) * temporal


def check(function):
    """Against double precision; a loss that is wrong is not worth timing."""
    p, y = torch.rand(5, 8, 8, 3) * 255, torch.rand(5, 8, 8, 3) * 255
    follows = torch.tensor([1.0, 0.0, 1.0, 1.0])
    p.requires_grad_(True)
    function(p, y, follows).backward()
    q = p.detach().double().requires_grad_(True)
    loss(q, y.double(), follows.double()).backward()
    torch.testing.assert_close(p.grad.double(), q.grad, rtol=1e-5, atol=1e-6)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--json")
    options = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(len(__import__("os").sched_getaffinity(0)))
    rows = []
    for label, function in (("PyTorch eager", loss), ("PyTorch compile", torch.compile(loss, dynamic=False))):
        check(function)
        for frames in (16, 64, 512):
            p = (torch.rand(frames, 128, 128, 3) * 255).requires_grad_(True)
            y = torch.rand(frames, 128, 128, 3) * 255
            follows = torch.ones(frames - 1)
            follows[frames // 2 - 1] = 0

            def work():
                p.grad = None
                function(p, y, follows).backward()

            work()
            rows.append(measured(f"temporal_mse {frames}x128x128x3, {label}", frames, options.rounds, work))
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"torch": torch.__version__, "rows": rows}, file, indent=2)


if __name__ == "__main__":
    main()
