"""One task on PyTorch, measured on demand: a line in on standard input, a line of JSON out."""

import json
import sys

import torch

import expansion
import safetensors
import serve
import training
from gpt2 import Gpt2


def prepare(task):
    """The task as a function that gives its result."""
    weights = {
        name.removeprefix("transformer."): tensor
        for name, tensor in safetensors.read(f"{task['folder']}/model.safetensors").items()
    }
    ids = torch.tensor(task["ids"])
    if task["kind"] == "training":
        return lambda: torch.tensor(training.train(weights, task["heads"], ids, task["recipe"]))
    model = Gpt2(weights, task["heads"])
    ids = ids.unsqueeze(0)

    def traced():
        trace = {}
        return model.logits(ids, trace.__setitem__), trace

    bodies = {
        "forward": lambda: model.logits(ids),
        "trace": lambda: traced()[0],
        "sweep": lambda: expansion.sweep(model, ids)["partials"],
        "tree": lambda: expansion.tree(model, ids, task["degree"])["partials"],
    }
    body = bodies[task["kind"]]

    def without_gradients():
        with torch.no_grad():
            return body()

    return without_gradients


def main():
    task = json.loads(sys.argv[1])
    torch.set_num_threads(task["threads"])
    serve.serve(prepare(task))


main()
