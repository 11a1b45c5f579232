"""One task on PyTorch, measured on demand: a line in on standard input, a line of JSON out."""

import json
import sys
import time

import torch

import expansion
import safetensors
import training
from gpt2 import Gpt2


def processor_of_blas():
    """The processor that OpenBLAS has chosen kernels for; None where the BLAS is another."""
    import ctypes

    try:
        name = ctypes.CDLL("libblas.so.3").openblas_get_corename
    except (AttributeError, OSError):
        return None
    name.restype = ctypes.c_char_p
    return name().decode()


def peak_bytes():
    """The most memory this process has had resident."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])


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


def answer(value):
    print(json.dumps(value), flush=True)


def main():
    task = json.loads(sys.argv[1])
    torch.set_num_threads(task["threads"])
    body = prepare(task)
    answer(
        {
            "is": f"PyTorch {torch.__version__.split('a')[0]}",
            "blas": processor_of_blas(),
            "threads": torch.get_num_threads(),
        }
    )
    for line in sys.stdin:
        request = json.loads(line)
        if "write" in request:
            body().contiguous().numpy().tofile(request["write"])
            answer({})
        elif "peak" in request:
            answer({"bytes": peak_bytes()})
        else:
            start = time.perf_counter()
            result = body()
            answer({"ms": 1000 * (time.perf_counter() - start)})
            del result


main()
