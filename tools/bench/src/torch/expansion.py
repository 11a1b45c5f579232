"""Expansions by degree of a GPT-2, all degrees of a block in one product."""

import torch

from gpt2 import affine, causal_mask


class Frozen:
    """The gates of one run: patterns, 1/σ, and φ(z)/z. With them every block is affine."""

    def __init__(self, model, ids):
        self.model = model
        self.gates = {}
        self.residual = model.residual(ids, self._keep)

    def _keep(self, site, value):
        if site == "embed":
            self.embedding = value
        elif site.endswith((".norm", ".pattern")):
            self.gates[site] = value
        elif site.endswith(".pre"):
            self.pre = value
        elif site.endswith(".post"):
            gate = torch.where(self.pre == 0, torch.tensor(0.5), value / self.pre)
            self.gates[site] = gate

    def block(self, name, layer, stack, biases):
        """What a block with frozen gates makes of `degree, pos, d_model`: A_i of it, or with its constants f_i."""
        weights = self.model.weights
        at = f"h.{layer}"

        def product(x, name):
            if biases:
                return affine(x, weights[f"{name}.weight"], weights[f"{name}.bias"])
            return torch.matmul(x, weights[f"{name}.weight"])

        norm = f"{at}.ln_1" if name == "attn" else f"{at}.ln_2"
        factor = self.gates[f"L{layer}.{name}.norm"] * weights[f"{norm}.weight"]
        normed = (stack - stack.mean(-1, keepdim=True)).mul_(factor)
        if biases:
            normed += weights[f"{norm}.bias"]
        if name == "mlp":
            pre = product(normed, f"{at}.mlp.c_fc")
            return product(pre.mul_(self.gates[f"L{layer}.mlp.post"]), f"{at}.mlp.c_proj")
        return product(self.mixed(layer, normed, biases), f"{at}.attn.c_proj")

    def mixed(self, layer, normed, biases):
        """Values of all degrees, mixed by the frozen pattern: one product a head."""
        model = self.model
        d_model, heads, d_head = model.d_model, model.heads, model.d_head
        weight = model.weights[f"h.{layer}.attn.c_attn.weight"][:, 2 * d_model :]
        value = torch.matmul(normed, weight)
        if biases:
            value += model.weights[f"h.{layer}.attn.c_attn.bias"][2 * d_model :]
        degrees, pos = value.shape[:2]
        by_head = value.view(degrees, pos, heads, d_head).permute(2, 1, 0, 3)
        mixed = torch.bmm(
            self.gates[f"L{layer}.attn.pattern"].view(heads, pos, pos),
            by_head.reshape(heads, pos, degrees * d_head),
        )
        back = mixed.view(heads, pos, degrees, d_head).permute(2, 1, 0, 3)
        return back.reshape(degrees, pos, d_model)


def sweep(model, ids):
    """The path expansion: terms and partial sums of all degrees, `degree, pos, d_model` each."""
    run = Frozen(model, ids)
    blocks = [(name, layer) for layer in range(model.layers) for name in ("attn", "mlp")]
    zero = torch.zeros_like(run.embedding)
    terms = run.embedding.new_zeros(len(blocks) + 1, *run.embedding.shape[1:])
    terms[0] = run.embedding[0]
    for done, (name, layer) in enumerate(blocks):
        written = run.block(name, layer, terms[: done + 1], biases=False)
        terms[1 : done + 2] += written
        terms[1] += run.block(name, layer, zero, biases=True)[0]
    return {"terms": terms, "partials": terms.cumsum(0), "residual": run.residual}


def tree(model, ids, degree):
    """The truncated tree, nothing frozen: terms and partial sums up to a degree."""
    residual = model.residual(ids)
    mask = causal_mask(ids.shape[-1])
    stack = model.embed(ids)
    for layer in range(model.layers):
        stack = raised(stack, lambda read: model.attention(layer, read, mask), degree)
        stack = raised(stack, lambda read: model.mlp(layer, read), degree)
    terms = torch.cat([stack[:1], stack[1:] - stack[:-1]])
    return {"terms": terms, "partials": stack, "remainder": residual[0] - stack[-1]}


def raised(stack, block, degree):
    """The stack after a block: entry k reads what entry k − 1 was before it. Equal entries are kept once."""
    levels = stack.shape[0]
    written = block(stack[:degree])
    if levels <= degree:
        stack = torch.cat([stack, stack[-1:]])
    else:
        stack = stack.clone()
    stack[1:] += written
    return stack
