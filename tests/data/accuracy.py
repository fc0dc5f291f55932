"""Writes accuracy.txt: values and first derivatives of the pointwise operations, to the last bit of f64.

The formulas are the textbook's, with all the cancellation that the library's own forms avoid, in 1000 digits. One line
a point: precision, operation, inputs, value, derivative by each input. `-` stands for what is too large or too small for the precision, and
`y:s` for a y near a zero that no floating-point formula resolves: its error counts in units of s.

    python3 -m pip install mpmath && python3 tests/data/accuracy.py > tests/data/accuracy.txt
"""

import random
import struct

from mpmath import mp, mpf, sqrt, exp, log, pi, erf, erfc, tanh, sinh, cosh, sin, cos, tan
from mpmath import asin, acos, atan, atan2, asinh, acosh, atanh, floor, cbrt

mp.dps = 1000
RANDOM = random.Random(5)
LIMITS = {
    "f64": (mpf(2) ** -1074, mpf(2) ** 1024 * (1 - mpf(2) ** -53)),
    "f32": (mpf(2) ** -149, mpf(2) ** 128 * (1 - mpf(2) ** -24)),
}
EXPONENTS = {"f64": (-300, 300), "f32": (-37, 37)}
TAU = 2 / sqrt(pi)
ALPHA, SCALE = mpf(1.6732632423543772), mpf(1.0507009873554805)


def sigma(x):
    return 1 / (1 + exp(-x))


def softplus(x):
    return log(1 + exp(x))


def cdf(x):
    return erfc(-x / sqrt(2)) / 2


def pdf(x):
    return exp(-x * x / 2) / sqrt(2 * pi)


def gate(x):
    return (1 + tanh(sqrt(2 / pi) * (x + mpf("0.044715") * x**3))) / 2


def gate_slope(x):
    return 2 * gate(x) * (1 - gate(x)) * sqrt(2 / pi) * (1 + 3 * mpf("0.044715") * x * x)


def mish_slope(x):
    t = tanh(softplus(x))
    return t, x * (1 - t * t) * sigma(x)


# Name, value, derivative (a pair stands for a sum of two terms with a zero), range of |x|, signs.
ANY, POSITIVE, BOTH = (0, "inf"), "+", "+-"
UNARY = [
    ("recip", lambda x: 1 / x, lambda x: -1 / x**2, ANY, BOTH),
    ("exp", exp, exp, (0, 745), BOTH),
    ("exp2", lambda x: mpf(2) ** x, lambda x: mpf(2) ** x * log(2), (0, 1074), BOTH),
    ("exp_m1", lambda x: exp(x) - 1, exp, (0, 745), BOTH),
    ("ln", log, lambda x: 1 / x, ANY, POSITIVE),
    ("ln_1p", lambda x: log(1 + x), lambda x: 1 / (1 + x), ANY, POSITIVE),
    ("ln_1p", lambda x: log(1 + x), lambda x: 1 / (1 + x), (0, "1"), "-"),
    ("log2", lambda x: log(x) / log(2), lambda x: 1 / (x * log(2)), ANY, POSITIVE),
    ("log10", lambda x: log(x) / log(10), lambda x: 1 / (x * log(10)), ANY, POSITIVE),
    ("logit", lambda x: log(x / (1 - x)), lambda x: 1 / (x * (1 - x)), (0, "1"), POSITIVE),
    ("square", lambda x: x**2, lambda x: 2 * x, ANY, BOTH),
    ("sqrt", sqrt, lambda x: 1 / (2 * sqrt(x)), ANY, POSITIVE),
    ("rsqrt", lambda x: 1 / sqrt(x), lambda x: -1 / (2 * x * sqrt(x)), ANY, POSITIVE),
    ("cbrt", lambda x: mp.sign(x) * cbrt(abs(x)), lambda x: 1 / (3 * cbrt(abs(x)) ** 2), ANY, BOTH),
    ("powi_5", lambda x: x**5, lambda x: 5 * x**4, ANY, BOTH),
    ("powi_101", lambda x: x**101, lambda x: 101 * x**100, (0, 1200), BOTH),
    ("powi_minus_2", lambda x: x**-2, lambda x: -2 / x**3, ANY, BOTH),
    ("sin", sin, cos, (0, 1e22), BOTH),
    ("cos", cos, lambda x: -sin(x), (0, 1e22), BOTH),
    ("tan", tan, lambda x: 1 / cos(x) ** 2, (0, 1e22), BOTH),
    ("asin", asin, lambda x: 1 / sqrt(1 - x * x), (0, "1"), BOTH),
    ("acos", acos, lambda x: -1 / sqrt(1 - x * x), (0, "1"), BOTH),
    ("atan", atan, lambda x: 1 / (1 + x * x), ANY, BOTH),
    ("sinh", sinh, cosh, (0, 710), BOTH),
    ("cosh", cosh, sinh, (0, 710), BOTH),
    ("tanh", tanh, lambda x: 1 - tanh(x) ** 2, (0, 400), BOTH),
    ("asinh", lambda x: mp.sign(x) * asinh(abs(x)), lambda x: 1 / sqrt(1 + x * x), ANY, BOTH),
    ("acosh", acosh, lambda x: 1 / sqrt(x * x - 1), (1, "inf"), POSITIVE),
    ("atanh", atanh, lambda x: 1 / (1 - x * x), (0, "1"), BOTH),
    ("sigmoid", sigma, lambda x: sigma(x) * (1 - sigma(x)), (0, 750), BOTH),
    ("log_sigmoid", lambda x: log(sigma(x)), lambda x: 1 - sigma(x), (0, 750), BOTH),
    ("softplus", softplus, sigma, (0, 750), BOTH),
    ("softsign", lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, ANY, BOTH),
    ("silu", lambda x: x * sigma(x), lambda x: (sigma(x), x * sigma(x) * (1 - sigma(x))), (0, 750), BOTH),
    ("mish", lambda x: x * tanh(softplus(x)), mish_slope, (0, 750), BOTH),
    ("gelu", lambda x: x * cdf(x), lambda x: (cdf(x), x * pdf(x)), (0, 40), BOTH),
    ("gelu_tanh", lambda x: x * gate(x), lambda x: (gate(x), x * gate_slope(x)), (0, 40), BOTH),
    ("hardswish", lambda x: x * (x + 3) / 6, lambda x: (2 * x + 3) / 6, (0, 3), BOTH),
    ("elu", lambda x: x if x > 0 else exp(x) - 1, lambda x: 1 if x > 0 else exp(x), (0, 745), BOTH),
    (
        "selu",
        lambda x: SCALE * (x if x > 0 else ALPHA * (exp(x) - 1)),
        lambda x: SCALE * (1 if x > 0 else ALPHA * exp(x)),
        (0, 745),
        BOTH,
    ),
    ("erf", erf, lambda x: TAU * exp(-x * x), (0, 28), BOTH),
    ("erfc", erfc, lambda x: -TAU * exp(-x * x), (0, 28), BOTH),
    ("normal_cdf", cdf, pdf, (0, 40), BOTH),
]

# Name, value, derivatives, exponents of |a| and |b|, signs of a and b; None: both from the whole range.
BINARY = [
    ("pow", lambda a, b: a**b, lambda a, b: (b * a ** (b - 1), a**b * log(a)), None, None, "+", "+-"),
    ("hypot", mp.hypot, lambda a, b: (a / mp.hypot(a, b), b / mp.hypot(a, b)), None, None, "+-", "+-"),
    (
        "atan2",
        atan2,
        lambda a, b: (b / (a * a + b * b), -a / (a * a + b * b)),
        None,
        None,
        "+-",
        "+-",
    ),
    ("logaddexp", lambda a, b: log(exp(a) + exp(b)), lambda a, b: (sigma(a - b), sigma(b - a)), (-2, 3), (-2, 3), "+-", "+-"),
    (
        "logaddexp2",
        lambda a, b: log(mpf(2) ** a + mpf(2) ** b) / log(2),
        lambda a, b: (1 / (1 + mpf(2) ** (b - a)), 1 / (1 + mpf(2) ** (a - b))),
        (-2, 3),
        (-2, 3),
        "+-",
        "+-",
    ),
    ("xlogy", lambda a, b: a * log(b), lambda a, b: (log(b), a / b), None, None, "+-", "+"),
    ("xlog1py", lambda a, b: a * log(1 + b), lambda a, b: (log(1 + b), a / (1 + b)), None, None, "+-", "+"),
    (
        "rem",
        lambda a, b: a - b * mp.sign(a / b) * floor(abs(a / b)),
        lambda a, b: (1, -mp.sign(a / b) * floor(abs(a / b))),
        (0, 7),
        (0, 3),
        "+-",
        "+-",
    ),
    (
        "remainder",
        lambda a, b: a - b * floor(a / b),
        lambda a, b: (1, -floor(a / b)),
        (0, 7),
        (0, 3),
        "+-",
        "+-",
    ),
]


def rounded(x, precision):
    """The nearest number of that precision, or None."""
    x = float(x)
    if precision == "f32" and abs(x) < 3.4e38:
        x = struct.unpack("f", struct.pack("f", x))[0]
    return x


def text(y, precision, scale=None, factor=1):
    """`factor` is what a derivative is multiplied by at last: before that it must not be subnormal."""
    low, high = LIMITS[precision]
    low = low if factor == 1 else factor * low * 2 ** (52 if precision == "f64" else 23)
    y = mpf(y)
    if y == 0:
        return "0"
    if not low <= abs(y) <= high:
        return "-"
    return repr(float(y)) + (f":{float(scale):.3g}" if scale is not None else "")


def between(low, high):
    return mpf(10) ** RANDOM.uniform(low, high)


def points(interval, signs, precision, n):
    """Half of the points over the whole range, half of them where most functions have their shape."""
    low, high = interval
    first, last = EXPONENTS[precision]
    for i in range(n):
        whole = i % 2 == 0
        if high == "1":
            # As close to 1 as to 0.
            closest = -15 if precision == "f64" else -6
            x = between(first if whole else -4, -0.31) if i % 4 < 2 else 1 - between(closest if whole else -4, -0.31)
        elif low == 1:
            x = 1 + between(-15 if precision == "f64" else -6, 3) if not whole else between(0.01, last)
        else:
            top = last if high == "inf" else float(log(high) / log(10))
            if precision == "f32" and 100 < float(high) < 2000:
                top = 2.02
            x = between(first if whole else -2, min(top, last) if whole else min(top, 3))
        sign = signs[(i // 2) % len(signs)]
        yield rounded(-x if sign == "-" else x, precision)


def unary(precision, n):
    for name, value, slope, interval, signs in UNARY:
        for x in points(interval, signs, precision, n):
            exact, scale = mpf(x), None
            dy = slope(exact)
            if isinstance(dy, tuple):
                dy, size = sum(dy), sum(abs(term) for term in dy)
                scale = size if abs(dy) < size / 4 else None
            print(precision, name, repr(x), text(value(exact), precision), text(dy, precision, scale, 101 if name == "powi_101" else 1))


def binary(precision, n):
    first, last = EXPONENTS[precision]
    for name, value, slopes, for_a, for_b, sign_a, sign_b in BINARY:
        for i in range(n):
            a = between(*(for_a or (first, last)))
            b = between(*(for_b or (first, last)))
            if name == "pow":
                # Such that the power is a normal number: b ln a is at most a little more than its logarithm.
                a = between(first, last) if i % 3 else between(-1, 1)
                b = min(between(-3, 0.5) * last * log(10) / abs(log(a)), mpf(10) ** 5)
            elif i % 3 == 0 and for_a is None and name in ("hypot", "atan2"):
                b = a * between(-3, 3)
            elif i % 2 and for_a is None:
                a, b = between(-2, 2), between(-2, 2)
            a = rounded(-a if sign_a[i % len(sign_a)] == "-" else a, precision)
            b = rounded(-b if sign_b[(i // 2) % len(sign_b)] == "-" else b, precision)
            if 0.0 in (a, b) or max(abs(a), abs(b)) > 1e300:
                continue
            y = value(mpf(a), mpf(b))
            # ln(e^a + e^b) has a zero between a and b.
            scale = max(abs(a), abs(b)) if name.startswith("logadd") and abs(y) < max(abs(a), abs(b)) / 4 else None
            factor = max(abs(b), 2) if name == "pow" else 1
            partials = [text(dy, precision, None, factor) for dy in slopes(mpf(a), mpf(b))]
            print(precision, name, repr(a), repr(b), text(y, precision, scale), *partials)


for precision, n in (("f64", 36), ("f32", 16)):
    unary(precision, n)
    binary(precision, n)
