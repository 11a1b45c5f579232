"""Reads a safetensors file."""

import json

import torch


def read(path):
    """The float32 tensors of a file by name, each with memory of its own."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start = file.tell()
        tensors = {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            assert entry["dtype"] == "F32", f"{name} is {entry['dtype']}"
            begin, end = entry["data_offsets"]
            file.seek(start + begin)
            data = bytearray(file.read(end - begin))
            tensors[name] = torch.frombuffer(data, dtype=torch.float32).view(entry["shape"])
    return tensors
