"""The steady network in PyTorch, float32: what nn/models/steady.hpp is held against.

  steady_peer.py OUT.h5                       fresh random weights, made-up frames, gradients of the loss
  steady_peer.py OUT.h5 PROTOTYPE CLIP        weights of PROTOTYPE/reference.pt, run by its own model.py, on
                                              the numbered pictures of CLIP, muted, with DIS flow

Writes per frame: luma, lightness, input, flow, follows, kind (N, h, w, C); weights under our names, in our
layout; the results `chroma` (T, N, h, w, 2); in the first form also true_chroma, loss and gradients.
"""
import contextlib
import glob
import sys

import h5py
import numpy as np
import torch
import torch.nn.functional as F

LAYERS = {
    "encoder0a": "e0", "encoder0b": "e0b", "encoder1a": "e1", "encoder1b": "e1b", "encoder2a": "e2",
    "encoder2b": "e2b", "encoder3a": "e3", "encoder3b": "e3b", "scene1": "g1", "scene2": "g2",
    "decoder2": "u2", "decoder1": "u1", "decoder0": "u0", "output": "out",
}


def ours(weight):
    """(O, I, KH, KW) or (O, I) to (KH, KW, I, O)."""
    if weight.dim() == 2:
        weight = weight[:, :, None, None]
    return weight.permute(2, 3, 1, 0).contiguous().numpy()


def last(x):
    """(N, C, H, W) to (N, H, W, C)."""
    return x.detach().permute(0, 2, 3, 1).contiguous().numpy()


def write_weights(file, state, key="weights"):
    group = file.create_group(key)
    for name, theirs in LAYERS.items():
        group[name + "/kernel"] = ours(state[theirs + ".weight"].detach())
        group[name + "/bias"] = state[theirs + ".bias"].detach().numpy()
    group["gain/kernel"] = state["sg"].detach()[1].reshape(1, 1, 1, 1).numpy()
    group["gain/bias"] = state["sg"].detach()[:1].numpy()


def warp(x, flow):
    n, _, h, w = x.shape
    rows, columns = torch.meshgrid(torch.arange(h, dtype=x.dtype), torch.arange(w, dtype=x.dtype), indexing="ij")
    grid = torch.stack([(columns + flow[:, 0]) * 2 / (w - 1) - 1, (rows + flow[:, 1]) * 2 / (h - 1) - 1], -1)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=True)


def network(p, now, before):
    """One step by the formulas of nn/models/steady.hpp. p: parameters by PyTorch's names."""
    def conv(name, x, stride=1):
        return F.conv2d(x, p[name + ".weight"], p[name + ".bias"], stride, 1)

    def act(x):
        return F.leaky_relu(x, 0.1)

    def up(x):
        return x.repeat_interleave(2, 2).repeat_interleave(2, 3)

    follows, ab, kind = now["follows"], now["input"], now["kind"]
    carried = follows * warp(before["chroma"], now["flow"]) + (1 - follows) * ab
    lightness = follows * warp(before["lightness"], now["flow"]) + (1 - follows) * now["lightness"]
    change = now["lightness"] - lightness
    x = torch.cat([now["luma"], ab, carried, 2 * change, kind], 1)
    x0 = act(conv("e0b", act(conv("e0", x))))
    x1 = act(conv("e1b", act(conv("e1", x0, 2))))
    x2 = act(conv("e2b", act(conv("e2", x1, 2))))
    x3 = act(conv("e3", x2, 2))
    x3 = x3 + act(conv("e3b", x3))
    scene = F.linear(act(F.linear(x3.mean((2, 3)), p["g1.weight"], p["g1.bias"])), p["g2.weight"], p["g2.bias"])
    y = x3 + scene[:, :, None, None]
    y = act(conv("u2", torch.cat([up(y), x2], 1)))
    y = act(conv("u1", torch.cat([up(y), x1], 1)))
    y = act(conv("u0", torch.cat([up(y), x0], 1)))
    y = conv("out", y)
    trust = follows * torch.exp(-(50 * change / 8) ** 2)
    share = trust * torch.sigmoid(y[:, 2:3] + 1.4)
    gain = torch.exp(10 * (p["sg"][0] + p["sg"][1] * kind) + y[:, 3:4].clamp(-2, 1))
    mask = ((50 * (now["lightness"] + 1) - 2) / 6).clamp(0, 1)
    return share * carried + (1 - share) * gain * ab + mask * y[:, :2]


def length(x, rounding):
    return torch.sqrt((x * x).sum(1) + rounding ** 2).mean((1, 2))


def loss_of(chroma, truth, weights):
    total = 0
    for t, (y, target) in enumerate(zip(chroma, truth)):
        total = total + (weights[t] * length(y - target, 0.02)).sum()
        total = total + 0.3 * (length(y, 0.01) - length(target, 0.01)).abs().mean()
        if t > 0:
            total = total + 0.5 * length((y - chroma[t - 1]) - (target - truth[t - 1]), 0.02).mean()
    return total / len(chroma)


def shapes():
    s = {"e0": (16, 10), "e0b": (16, 16), "e1": (32, 16), "e1b": (32, 32), "e2": (64, 32), "e2b": (64, 64),
         "e3": (96, 64), "e3b": (96, 96), "u2": (64, 160), "u1": (32, 96), "u0": (16, 48), "out": (4, 16)}
    return {k: v + (3, 3) for k, v in s.items()} | {"g1": (96, 96), "g2": (96, 96)}


def made_up(path):
    g = torch.Generator().manual_seed(7)
    frames, n, h, w = 4, 2, 24, 32
    p = {"sg": torch.tensor([0.02, -0.03])}
    for name, shape in shapes().items():
        fan_in = np.prod(shape[1:])
        p[name + ".weight"] = torch.randn(shape, generator=g) * (1.4 / fan_in) ** 0.5
        p[name + ".bias"] = 0.1 * torch.randn(shape[0], generator=g)
    for value in p.values():
        value.requires_grad_()
    smooth = lambda c: F.interpolate(torch.randn(n, c, 6, 8, generator=g), (h, w), mode="bicubic")
    luma0, ab0 = smooth(4) * 0.3, smooth(2) * 0.3
    state, now, chroma, truth, weights = None, [], [], [], []
    for t in range(frames):
        luma = luma0 + 0.03 * t * smooth(4)
        follows = torch.ones(n, 1, h, w)
        if t == 0:
            follows[:] = 0
        if t == 2:
            follows[1] = 0
        frame = dict(luma=luma, lightness=luma.mean(1, keepdim=True), input=ab0 + 0.1 * smooth(2), flow=2 * smooth(2),
                     follows=follows, kind=torch.tensor([-1.0, 1.0]).view(n, 1, 1, 1).expand(n, 1, h, w))
        state = state or dict(chroma=torch.zeros(n, 2, h, w), lightness=torch.zeros(n, 1, h, w))
        y = network(p, frame, state)
        state = dict(chroma=y, lightness=frame["lightness"])
        now.append(frame)
        chroma.append(y)
        truth.append(ab0 + 0.02 * t * smooth(2))
        weights.append(torch.tensor([0.3, 0.7]))
    loss = loss_of(chroma, truth, weights)
    loss.backward()
    with h5py.File(path, "w") as file:
        write_frames(file, now, chroma)
        write_weights(file, p)
        write_weights(file, {k: v.grad for k, v in p.items()}, "gradients")
        file["true_chroma"] = np.stack([last(t) for t in truth])
        file["weights_of_frames"] = np.stack([w.numpy() for w in weights])
        file["loss"] = np.float32(loss.item())


def write_frames(file, now, chroma):
    for key in ("luma", "lightness", "input", "flow", "follows", "kind"):
        file[key] = np.stack([last(f[key]) for f in now])
    file["chroma"] = np.stack([last(y) for y in chroma])


def prototype(path, folder, clip):
    import cv2
    sys.path.insert(0, folder)
    torch.autocast = lambda *a, **k: contextlib.nullcontext()
    import model
    saved = torch.load(folder + "/reference.pt", weights_only=False)
    options = saved["a"]
    widths = tuple(map(int, options["w"].split(",")))
    net = model.UNet(widths, cin=9 + options["cond"], head=options["head"]).eval()
    net.load_state_dict(saved["sd"])
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    stepper = model.Stepper(net, bool(options["warp"]), bool(options["mem"]), torch.tensor([-1.0]))
    state, before, now, chroma = None, None, [], []
    with torch.no_grad():
        for picture in sorted(glob.glob(clip + "/*.jpg"))[:20]:
            rgb = cv2.resize(cv2.imread(picture)[..., ::-1], (256, 144), interpolation=cv2.INTER_AREA)
            lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
            light = np.clip(lab[..., 0] * 2.55, 0, 255).astype(np.uint8)
            first = before is None
            flow = np.zeros((72, 128, 2), np.float32) if first else 0.5 * cv2.resize(
                dis.calc(light, before, None), (128, 72), interpolation=cv2.INTER_AREA)
            before = light
            planes = torch.from_numpy(lab).permute(2, 0, 1)[None]
            luma = F.pixel_unshuffle(planes[:, :1], 2) / 50 - 1
            muted = 0.6 * F.avg_pool2d(planes[:, 1:], 2) / 50
            flow = torch.from_numpy(flow).permute(2, 0, 1)[None].contiguous()
            y, state, _, _ = stepper(luma, muted, state, flow, torch.tensor([first]))
            plane = torch.ones_like(luma[:, :1])
            now.append(dict(luma=luma, lightness=luma.mean(1, keepdim=True), input=muted, flow=flow,
                            follows=plane * (not first), kind=-plane))
            chroma.append(y)
    with h5py.File(path, "w") as file:
        write_frames(file, now, chroma)
        write_weights(file, saved["sd"])


if __name__ == "__main__":
    made_up(sys.argv[1]) if len(sys.argv) == 2 else prototype(*sys.argv[1:])
