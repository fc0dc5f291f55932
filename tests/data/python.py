"""Writes python.safetensors: what Python's safetensors makes of a few arrays, for tests/resume/python.rs.

python tests/data/python.py tests/data/python.safetensors
"""

import sys

import numpy
from safetensors.numpy import save_file

weight = (numpy.arange(6, dtype=numpy.float32).reshape(2, 3) - 2) / 4
save_file(
    {
        "layer.weight": weight,
        "layer.bias": numpy.array([1e-310, -numpy.inf], dtype=numpy.float64),
        "labels": numpy.array([3, -1, 2**62], dtype=numpy.int64),
        "empty": numpy.zeros((0, 4), dtype=numpy.float32),
        "scalar": numpy.array(7.5, dtype=numpy.float64),
        "mask": numpy.array([True, False]),
    },
    sys.argv[1],
    metadata={"epoch": "3", "ünïcode": "näme"},
)
