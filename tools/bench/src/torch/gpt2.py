"""GPT-2 in plain PyTorch: functions over a dictionary of weights with the checkpoint's names."""

import math

import torch
import torch.nn.functional as F

EPS = 1e-5


def affine(x, weight, bias):
    """x·W + b over the last axis: one product for all leading axes."""
    flat = torch.addmm(bias, x.reshape(-1, x.shape[-1]), weight)
    return flat.view(*x.shape[:-1], -1)


def keep_nothing(_site, _value):
    pass


class Gpt2:
    """Weights and sizes, and the forward pass. `keep(site, value)` is told every value on the way."""

    def __init__(self, weights, heads):
        self.weights = weights
        self.heads = heads
        self.layers = sum(name.endswith("ln_1.weight") for name in weights)
        self.d_model = weights["wte.weight"].shape[1]
        self.d_head = self.d_model // heads

    def normalize(self, x, name):
        """The normed values and 1/σ, which PyTorch's own layer norm gives besides."""
        scale, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        normed, _mean, inverse = torch.native_layer_norm(x, [self.d_model], scale, bias, EPS)
        return normed, inverse

    def split_heads(self, x):
        """batch, pos, d_model → batch, head, pos, d_head"""
        return x.view(*x.shape[:-1], self.heads, self.d_head).transpose(-3, -2)

    def join_heads(self, x):
        """batch, head, pos, d_head → batch, pos, d_model"""
        return x.transpose(-3, -2).reshape(*x.shape[:-3], x.shape[-2], self.d_model)

    def attention(self, layer, x, mask, keep=keep_nothing):
        """What an attention block adds to the stream."""
        at = f"h.{layer}"
        site = f"L{layer}.attn"
        normed, inverse = self.normalize(x, f"{at}.ln_1")
        fused = affine(
            normed, self.weights[f"{at}.attn.c_attn.weight"], self.weights[f"{at}.attn.c_attn.bias"]
        )
        query, key, value = (self.split_heads(part) for part in fused.split(self.d_model, dim=-1))
        score = torch.matmul(query * (1 / math.sqrt(self.d_head)), key.transpose(-2, -1))
        pattern = torch.softmax(score + mask, dim=-1)
        mixed = self.join_heads(torch.matmul(pattern, value))
        write = affine(
            mixed, self.weights[f"{at}.attn.c_proj.weight"], self.weights[f"{at}.attn.c_proj.bias"]
        )
        keep(f"{site}.read", x)
        keep(f"{site}.norm", inverse)
        keep(f"{site}.query", query)
        keep(f"{site}.key", key)
        keep(f"{site}.value", value)
        keep(f"{site}.score", score)
        keep(f"{site}.pattern", pattern)
        keep(f"{site}.mixed", mixed)
        keep(f"{site}.write", write)
        return write

    def mlp(self, layer, x, keep=keep_nothing):
        """What an MLP block adds to the stream."""
        at = f"h.{layer}"
        site = f"L{layer}.mlp"
        normed, inverse = self.normalize(x, f"{at}.ln_2")
        pre = affine(
            normed, self.weights[f"{at}.mlp.c_fc.weight"], self.weights[f"{at}.mlp.c_fc.bias"]
        )
        post = F.gelu(pre, approximate="tanh")
        write = affine(
            post, self.weights[f"{at}.mlp.c_proj.weight"], self.weights[f"{at}.mlp.c_proj.bias"]
        )
        keep(f"{site}.read", x)
        keep(f"{site}.norm", inverse)
        keep(f"{site}.pre", pre)
        keep(f"{site}.post", post)
        keep(f"{site}.write", write)
        return write

    def embed(self, ids, keep=keep_nothing):
        """Token and position embedding."""
        token = F.embedding(ids, self.weights["wte.weight"])
        position = self.weights["wpe.weight"][: ids.shape[-1]]
        stream = token + position
        keep("embed.token", token)
        keep("embed.position", position)
        keep("embed", stream)
        return stream

    def residual(self, ids, keep=keep_nothing):
        """The final residual stream."""
        stream = self.embed(ids, keep)
        mask = causal_mask(ids.shape[-1])
        for layer in range(self.layers):
            stream = stream + self.attention(layer, stream, mask, keep)
            keep(f"L{layer}.attn.after", stream)
            stream = stream + self.mlp(layer, stream, keep)
            keep(f"L{layer}.mlp.after", stream)
        return stream

    def logits(self, ids, keep=keep_nothing):
        """The forward pass."""
        normed, inverse = self.normalize(self.residual(ids, keep), "ln_f")
        logits = torch.matmul(normed, self.weights["wte.weight"].t())
        keep("final.norm", inverse)
        keep("logits", logits)
        return logits


def causal_mask(pos):
    """0 where a key may be seen, −∞ where not: added to scores."""
    return torch.full((pos, pos), -math.inf).triu(1)
