"""A contender's side of the protocol: a line in on standard input, a line of JSON out."""

import json
import sys
import time

import torch


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


def answer(value):
    print(json.dumps(value), flush=True)


def serve(body):
    """Says what this is, and does the task once for each request."""
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
            start, before = time.perf_counter(), time.process_time()
            result = body()
            took, used = time.perf_counter() - start, time.process_time() - before
            answer({"ms": 1000 * took, "cpu": 1000 * used})
            del result
