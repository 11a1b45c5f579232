"""Steps of training as the recipe of `tales` takes them."""

import math

import torch
import torch.nn.functional as F

from gpt2 import Gpt2


def rate_at(step, recipe):
    """Up in a line, then down along a cosine to a tenth."""
    if step <= recipe["warmup"]:
        return recipe["rate"] * step / recipe["warmup"]
    way = (step - recipe["warmup"]) / max(1, recipe["steps"] - recipe["warmup"])
    return recipe["rate"] * (0.1 + 0.45 * (1 + math.cos(math.pi * way)))


def train(weights, heads, batch, recipe):
    """Trains `weights` in place; returns loss and gradient norm of every step."""
    model = Gpt2(weights, heads)
    adam = recipe["adam"]
    parameters = list(weights.values())
    for p in parameters:
        p.requires_grad_(True)
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.dim() > 1], "weight_decay": adam["decay"]},
            {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0},
        ],
        betas=(adam["beta1"], adam["beta2"]),
        eps=adam["eps"],
    )
    inputs, targets = batch[:, :-1], batch[:, 1:]
    reports = []
    for step in range(1, recipe["steps"] + 1):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, recipe)
        optimizer.zero_grad(set_to_none=True)
        logits = model.logits(inputs)
        loss = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, adam["clip"])
        optimizer.step()
        reports += [loss.item(), norm.item()]
    return reports
