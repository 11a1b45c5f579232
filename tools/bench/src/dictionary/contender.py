"""A task of dictionaries on PyTorch, measured on demand."""

import json
import os
import sys

import torch
import torch.nn.functional as F

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../torch"))
import serve


def stored(task, name, *shape):
    path = os.path.join(task["folder"], name)
    count = 1
    for size in shape:
        count *= size
    return torch.from_file(path, size=count, dtype=torch.float32).clone().view(*shape)


class Gathered(torch.autograd.Function):
    """The k largest of `x @ W_encᵀ + constant`, with gradients of these alone: the other entries have none."""

    @staticmethod
    def forward(context, x, W_enc, constant, k):
        values, indices = torch.topk(F.linear(x, W_enc, constant), k, sorted=False)
        context.save_for_backward(x, indices)
        context.features = W_enc.shape[0]
        context.mark_non_differentiable(indices)
        return values, indices

    @staticmethod
    def backward(context, c, _):
        x, indices = context.saved_tensors
        rows = torch.arange(x.shape[0]).unsqueeze(1).expand_as(indices)
        places = torch.stack([indices.reshape(-1), rows.reshape(-1)])
        by_feature = torch.sparse_coo_tensor(places, c.reshape(-1), (context.features, x.shape[0]))
        constant = torch.zeros(context.features).index_add_(0, indices.reshape(-1), c.reshape(-1))
        return None, torch.sparse.mm(by_feature, x), constant, None


def topk_loss(p, x, task, dead, form):
    """Loss of TopK with AuxK, as parts. b_dec is taken off the constant, which spares a product for its gradient."""
    k, auxiliary = task["k"], task["loss"].get("auxiliary")
    constant = p["b_enc"] - p["W_enc"] @ p["b_dec"]
    pre = None
    if form == "gathered":
        values, indices = Gathered.apply(x, p["W_enc"], constant, k)
        output = F.embedding_bag(
            indices, p["W_dec"], per_sample_weights=F.relu(values), mode="sum"
        )
    else:
        pre = F.linear(x, p["W_enc"], constant)
        values, indices = torch.topk(pre, k, sorted=False)
        if form == "bag":
            output = F.embedding_bag(
                indices, p["W_dec"], per_sample_weights=F.relu(values), mode="sum"
            )
        else:
            output = torch.zeros_like(pre).scatter(1, indices, F.relu(values)) @ p["W_dec"]
    error = x - (output + p["b_dec"])
    parts = [error.square().sum() / len(x)]
    if auxiliary is not None and len(dead) > 0:
        some = F.linear(x, p["W_enc"][dead], constant[dead]) if pre is None else pre[:, dead]
        values, indices = torch.topk(some, min(auxiliary["k"], len(dead)), sorted=False)
        a = torch.zeros_like(some).scatter(1, indices, F.relu(values))
        left = error.detach() - a @ p["W_dec"][dead]
        parts.append(auxiliary["weight"] * left.square().sum() / len(x))
    return parts


def l1_loss(p, x, task):
    a = F.relu(F.linear(x, p["W_enc"], p["b_enc"] - p["W_enc"] @ p["b_dec"]))
    error = x - (a @ p["W_dec"] + p["b_dec"])
    parts = [error.square().sum() / len(x), task["loss"]["coefficient"] * a.sum() / len(x)]
    return parts


def prepare(task):
    """The task as a function that gives its result."""
    rows, d, features, k = (task[name] for name in ("rows", "d", "features", "k"))
    p = {
        "W_enc": stored(task, "W_enc", features, d),
        "b_enc": stored(task, "b_enc", features),
        "W_dec": stored(task, "W_dec", features, d),
        "b_dec": stored(task, "b_dec", d),
    }
    x = stored(task, "x", rows, d)
    form = os.environ.get("RESOLVENT_FORM", "dense")
    if task["kind"] == "encode":

        def encode():
            with torch.no_grad():
                values, indices = torch.topk(F.linear(x - p["b_dec"], p["W_enc"], p["b_enc"]), k)
                values = F.relu(values)
                return (values.double() * (1 + indices.double() / features)).sum(1).float()

        return encode

    for parameter in p.values():
        parameter.requires_grad_(True)
    adam = torch.optim.Adam(list(p.values()), lr=task["rate"], foreach=True)
    dead = torch.arange(task["dead"]) * features // max(1, task["dead"])

    def step():
        adam.zero_grad(set_to_none=True)
        if task["loss"]["kind"] == "topk":
            parts = topk_loss(p, x, task, dead, form)
        else:
            parts = l1_loss(p, x, task)
        sum(parts).backward()
        with torch.no_grad():
            W, g = p["W_dec"], p["W_dec"].grad
            g.addcmul_(W, (g * W).sum(1, keepdim=True), value=-1)  # rows have length 1
            norm = torch.nn.utils.clip_grad_norm_(list(p.values()), 1.0)
            adam.step()
            W.div_(W.norm(dim=1, keepdim=True))
        return torch.tensor([part.item() for part in parts] + [norm.item()])

    return step


def main():
    task = json.loads(sys.argv[1])
    torch.set_num_threads(task["threads"])
    serve.serve(prepare(task))


main()
