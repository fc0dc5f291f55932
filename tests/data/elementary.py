"""Completes elementary.txt: the exact values of elementary functions at the points of `f64`.

Reads lines `f32 name x` and `f64 name x ..` with x as the bits of a number in hexadecimal, writes `f32 name x` and
`f64 name x y rest`: the nearest number to the value, and the rest in units of its
last place. The points are the 40 worst of 20,000 random ones for each function and 40 others; those of `f32` are the
worst of every 67th number there is.

    python3 -m pip install mpmath
    python3 tests/data/elementary.py < tests/data/elementary.txt > new.txt && mv new.txt tests/data/elementary.txt
"""

import math
import struct
import sys

from mpmath import cos, cosh, erf, erfc, exp, expm1, log, log1p, mp, mpf, pi, sin, sqrt, tanh

# Enough for 1 - x at the smallest x.
mp.dps = 700
FUNCTIONS = {
    "exp": exp,
    "exp_m1": expm1,
    "gaussian": lambda x: exp(-x * x),
    "ln": log,
    "ln_1p": log1p,
    "tanh": tanh,
    "sigmoid": lambda x: 1 / (1 + exp(-x)),
    "sin": sin,
    "cos": cos,
    "erf": erf,
    "erfc": erfc,
    "softplus": lambda x: log1p(exp(x)),
    "sech_squared": lambda x: 1 / cosh(x) ** 2,
    "sigmoid_slope_of_sum": lambda x: 1 / (2 + exp(x) + exp(-x)),
    "normal_cdf": lambda x: erfc(-x / sqrt(mpf(2))) / 2,
    "normal_density": lambda x: exp(-x * x / 2) / sqrt(2 * pi),
}


def bits(x):
    return f"{struct.unpack('<Q', struct.pack('<d', x))[0]:016x}"


for line in sys.stdin:
    precision, name, x = line.split()[:3]
    if precision == "f32":
        print(precision, name, x)
        continue
    number = mpf(struct.unpack("<d", struct.pack("<Q", int(x, 16)))[0])
    exact = FUNCTIONS[name](number)
    y = float(exact)
    print(precision, name, x, bits(y), bits(float((exact - y) / mpf(math.ulp(y)))))
