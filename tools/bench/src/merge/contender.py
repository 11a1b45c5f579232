"""Merges on PyTorch, measured on demand: tensor by tensor from the shards of checkpoints to one file."""

import json
import os
import sys

import torch
import torch.nn.functional as F

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../torch"))
import serve

STORED = {"F32": torch.float32, "BF16": torch.bfloat16}
COMPARED = "model.layers.0.self_attn.q_proj.weight"


def headers(folder):
    """Where each tensor of a checkpoint is: file, dtype, shape, first byte and bytes."""
    places = {}
    for file in sorted(os.listdir(folder)):
        if not file.endswith(".safetensors"):
            continue
        path = os.path.join(folder, file)
        with open(path, "rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            header = json.loads(opened.read(length))
        for name, entry in header.items():
            if name != "__metadata__":
                start, end = entry["data_offsets"]
                places[name] = (path, entry["dtype"], entry["shape"], 8 + length + start, end - start)
    return places


def read(place, files):
    path, dtype, shape, start, length = place
    if path not in files:
        files[path] = open(path, "rb", buffering=0)
    data = bytearray(length)
    files[path].seek(start)
    view, at = memoryview(data), 0
    while at < length:
        at += files[path].readinto(view[at:])
    return torch.frombuffer(data, dtype=STORED[dtype]).view(shape)


# The methods, as mergekit computes them.


def linear(xs, base, p):
    out = xs[0] * p["weight"]
    for x in xs[1:]:
        out += x * p["weight"]
    return out / (len(xs) * p["weight"])


def arc(a, b, t, keep):
    cosine = (a * b).sum() / (a.norm().clamp(min=1e-7) * b.norm().clamp(min=1e-7))
    if keep is not None and abs(cosine) > keep:
        return (1 - t) * a + t * b
    angle = torch.arccos(cosine.clamp(-1, 1))
    sine = torch.sin(angle)
    if abs(sine) < 1e-8:
        return (1 - t) * a + t * b
    return torch.sin((1 - t) * angle) / sine * a + torch.sin(t * angle) / sine * b


def slerp(xs, base, p):
    return arc(base, xs[0], p["t"], 0.9995)


def nuslerp(xs, base, p):
    return arc(xs[0], xs[1], 0.5, None)


def multislerp(xs, base, p):
    stacked = torch.stack([x.view(-1) for x in xs])
    weights = torch.full((len(xs), 1), 1 / len(xs), dtype=stacked.dtype)
    norms = stacked.norm(dim=-1, keepdim=True)
    units = stacked / (norms + 1e-8)
    mean = (weights * units).sum(0)
    mean = mean / mean.norm()
    along = (units * mean).sum(-1, keepdim=True)
    tangent = (weights * (units - along * mean)).sum(0)
    angle = tangent.norm() + 1e-8
    out = mean * torch.cos(angle) + tangent * (torch.sin(angle) / angle)
    return (out * (weights * norms).sum()).view(xs[0].shape)


def karcher(xs, base, p):
    norms = [x.norm() for x in xs]
    units = [x / size for x, size in zip(xs, norms)]
    u = sum(units) / len(xs)
    u = u / u.norm()
    for _ in range(10):
        step = torch.zeros_like(u)
        for unit in units:
            cosine = (u * unit).sum().clamp(-1, 1)
            angle = torch.arccos(cosine)
            if angle < 1e-5:
                continue
            step += (1 / len(xs)) * (angle / torch.sin(angle)) * (unit - cosine * u)
        length = step.norm()
        if length < 1e-5:
            break
        u = torch.cos(length) * u + torch.sin(length) * (step / length)
    return u * (sum(norms) / len(xs))


def magnitude(delta, p):
    keep = int(p["density"] * delta.numel())
    mask = torch.zeros(delta.numel(), dtype=torch.bool)
    mask[torch.topk(delta.abs().view(-1), keep, sorted=False).indices] = True
    return delta * mask.view(delta.shape)


def ends(delta, p):
    n = delta.numel()
    keep, top = int(p["density"] * n), int(p["gamma"] * n)
    order = torch.argsort(delta.abs().view(-1), descending=True)
    mask = torch.zeros(n, dtype=torch.bool)
    mask[order[top : top + keep]] = True
    return delta * mask.view(delta.shape)


def rescaled(kept, delta):
    return kept * (delta.abs().sum() / kept.abs().sum())


def random(delta, p):
    return rescaled(delta * torch.bernoulli(torch.full_like(delta, p["density"])), delta)


def by_rank(delta, p):
    rows = delta if delta.dim() > 1 else delta.unsqueeze(0)
    order = torch.argsort(rows.abs(), dim=1)
    ranks = torch.empty_like(order).scatter_(
        1, order, torch.arange(rows.shape[1]).expand_as(order).contiguous()
    )
    low, spread = p["density"] - p["epsilon"], 2 * p["epsilon"] / max(rows.shape[1] - 1, 1)
    kept = rows * torch.bernoulli(low + spread * ranks.to(delta.dtype))
    return rescaled(kept.view(delta.shape), delta)


def task_method(sparsify, elect, normalize):
    def merged(xs, base, p):
        deltas = [x - base for x in xs]
        if sparsify is not None:
            deltas = [sparsify(delta, p) for delta in deltas]
        if not elect:
            out = deltas[0] * p["weight"]
            for delta in deltas[1:]:
                out += delta * p["weight"]
            return base + out
        stacked = torch.stack(deltas) * p["weight"]
        sign = torch.where(stacked.sum(0) >= 0, 1.0, -1.0).to(stacked.dtype)
        mask = stacked.sign() == sign
        out = (stacked * mask).sum(0)
        if normalize:
            divisor = (mask * p["weight"]).sum(0)
            divisor[divisor == 0] = 1
            out = out / divisor
        return base + out

    return merged


def model_stock(xs, base, p):
    deltas = [(x - base).view(-1) for x in xs]
    cosines = [
        (a * b).sum() / (a.norm() * b.norm()).clamp(min=1e-6)
        for i, a in enumerate(deltas)
        for b in deltas[i + 1 :]
    ]
    c = torch.stack(cosines).mean()
    ratio = len(xs) * c / (1 + (len(xs) - 1) * c)
    return ratio * (sum(xs) / len(xs)) + (1 - ratio) * base


def sce(xs, base, p):
    deltas = torch.stack([x - base for x in xs])
    variance = deltas.var(dim=0, unbiased=False)
    keep = int(torch.count_nonzero(variance) * p["select_topk"])
    mask = torch.zeros(variance.numel(), dtype=torch.bool)
    mask[torch.topk(variance.view(-1), keep, sorted=False).indices] = True
    deltas = deltas * mask.view(variance.shape)
    weights = (deltas**2).mean(dim=list(range(1, deltas.dim())))
    weights = (weights / weights.sum()).view(-1, *[1] * (deltas.dim() - 1))
    sign = torch.where(deltas.sum(0) >= 0, 1.0, -1.0).to(deltas.dtype)
    kept = weights * (deltas.sign() == sign)
    return base + (deltas * kept).sum(0) / kept.sum(0).clamp(min=1e-6)


def arcee_fusion(xs, base, p):
    x = xs[0]
    a, b = F.softmax(x, dim=-1) + 1e-8, F.softmax(base, dim=-1) + 1e-8
    divergence = (a * torch.log(a / b)).sum(dim=-1, keepdim=True)
    delta = x - base
    importance = delta.abs() * divergence
    n = importance.numel()
    order = torch.sort(importance.view(-1)).values
    low, middle, high = (order[int(q * (n - 1))] for q in (0.25, 0.5, 0.75))
    return base + delta * (importance >= middle + 1.5 * (high - low))


def nearswap(xs, base, p):
    weight = (p["t"] / (xs[0] - base).abs().clamp(min=1e-6)).clamp(0, 1)
    return weight * xs[0] + (1 - weight) * base


METHODS = {
    "linear": linear,
    "slerp": slerp,
    "nuslerp": nuslerp,
    "multislerp": multislerp,
    "karcher": karcher,
    "task_arithmetic": task_method(None, False, False),
    "ties": task_method(magnitude, True, True),
    "dare_linear": task_method(random, False, False),
    "dare_ties": task_method(random, True, False),
    "breadcrumbs": task_method(ends, False, False),
    "breadcrumbs_ties": task_method(ends, True, False),
    "della_linear": task_method(by_rank, False, False),
    "della": task_method(by_rank, True, True),
    "model_stock": model_stock,
    "sce": sce,
    "arcee_fusion": arcee_fusion,
    "nearswap": nearswap,
}


class Result:
    """What is compared; the file goes with it, after the clock has stopped."""

    def __init__(self, compared, path):
        self.compared, self.path = compared, path

    def contiguous(self):
        return self.compared

    def __del__(self):
        os.remove(self.path)


def merge(task):
    based = task["base"]
    folders = [os.path.join(task["folder"], model) for model in task["models"]]
    places = [headers(folder) for folder in folders]
    method, precision = METHODS[task["method"]], getattr(torch, task["precision"])
    path = os.path.join(task["folder"], f"out-{os.getpid()}")
    files, compared = {}, None
    with open(path, "wb", buffering=0) as out:
        for name, place in places[0].items():
            xs = [read(own[name], files).to(precision) for own in places]
            base = xs.pop(0) if based else None
            merged = method(xs, base, task["parameters"]).to(STORED[place[1]])
            if name == COMPARED:
                compared = merged.float()
            raw = merged.contiguous().view(torch.int16 if merged.element_size() == 2 else torch.int32)
            view, at = memoryview(raw.numpy()).cast("B"), 0
            while at < len(view):
                at += out.write(view[at:])
        os.fsync(out.fileno())
    for file in files.values():
        file.close()
    return Result(compared, path)


task = json.loads(sys.argv[1])
torch.set_num_threads(task["threads"])
with torch.no_grad():
    serve.serve(lambda: merge(task))
