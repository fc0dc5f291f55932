"""Fits the polynomials of src/elementary and prints them.

Each is the nearest to a smooth function g on an interval, weighted so that the error is relative to the function that is
wanted. The first coefficients are rounded to the format one after the other and the rest is fitted again.

    python3 -m pip install mpmath && python3 tests/data/coefficients.py
"""

import struct

from mpmath import atanh, cos, erf, erfc, exp, expm1, log, lu_solve, matrix, mp, mpf, pi, sin, sqrt

mp.dps = 60


def f32(x):
    return mpf(struct.unpack("f", struct.pack("f", float(x)))[0])


def shortest(x, rounded):
    """The fewest digits that give x in its format again."""
    return next(text for text in (f"{float(x):.{n}g}" for n in range(1, 18)) if rounded(mpf(text)) == x)


def f64(x):
    return mpf(float(x))


def chebyshev(a, b, n):
    """The zeros of the n-th Chebyshev polynomial, moved to [a, b]."""
    return [(a + b) / 2 - (b - a) / 2 * cos(pi * (i + mpf(1) / 2) / n) for i in range(n)]


def least_squares(points, powers):
    """Points (x, g, weight)."""
    n = len(powers)
    a, r = matrix(n, n), matrix(n, 1)
    for x, g, w in points:
        row = [x**p * w for p in powers]
        for i in range(n):
            r[i] += row[i] * g * w
            for j in range(n):
                a[i, j] += row[i] * row[j]
    return list(lu_solve(a, r))


def exchange(points, powers):
    """Remez' algorithm on the given points: equal and alternating weighted errors."""
    n = len(powers)
    at = [round(i * (len(points) - 1) / n) for i in range(n + 1)]
    best = None
    for _ in range(12):
        a, r = matrix(n + 1, n + 1), matrix(n + 1, 1)
        for row, i in enumerate(at):
            x, g, w = points[i]
            for k, p in enumerate(powers):
                a[row, k] = x**p * w
            a[row, n], r[row] = (-1) ** row, g * w
        solution = lu_solve(a, r)
        c, level = list(solution)[:n], abs(solution[n])
        errors = [w * (g - sum(ck * x**p for ck, p in zip(c, powers))) for x, g, w in points]
        worst = max(abs(e) for e in errors)
        if best is None or worst < best[0]:
            best = (worst, c)
        extrema = []
        for i, e in enumerate(errors):
            neighbours = errors[max(i - 1, 0) : i] + errors[i + 1 : i + 2]
            if all(abs(e) >= abs(other) for other in neighbours):
                if extrema and (errors[extrema[-1]] > 0) == (e > 0):
                    if abs(e) > abs(errors[extrema[-1]]):
                        extrema[-1] = i
                else:
                    extrema.append(i)
        while len(extrema) > n + 1:
            extrema.pop(0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1)
        if worst < level * mpf("1.01") or len(extrema) < n + 1:
            break
        at = extrema
    return best[1]


def fit(name, g, weight, a, b, degree, rounded, first, solve, n):
    points = [(x, g(x), weight(x)) for x in chebyshev(mpf(a), mpf(b), n)]
    c = []
    while len(c) <= degree:
        left = [(x, g - sum(ck * x**k for k, ck in enumerate(c)), w) for x, g, w in points]
        rest = [rounded(ck) for ck in solve(left, range(len(c), degree + 1))]
        c += rest if len(c) >= first else rest[:1]
    error = max(abs(w * (g - sum(ck * x**k for k, ck in enumerate(c)))) for x, g, w in points)
    print(f"{name}, 2^{float(log(error, 2)):.1f}: {', '.join(shortest(ck, rounded) for ck in c)}")


def exponential():
    h = log(mpf(2)) / 2 * mpf("1.003")
    g, weight = lambda r: (expm1(r) - r) / r**2, lambda r: r * r / abs(expm1(r))
    fit("EXP_REST f32", g, weight, -h, h, 4, f32, 3, exchange, 1500)
    fit("EXP_REST f64", g, weight, -h, h, 10, f64, 3, exchange, 1500)


def logarithm():
    f = sqrt(mpf(2)) - 1
    end = (f / (2 + f)) ** 2 * mpf("1.0001")
    g, weight = lambda z: (2 * atanh(sqrt(z)) / sqrt(z) - 2) / z, lambda z: z / 2
    fit("ATANH_REST f32", g, weight, 0, end, 2, f32, 2, exchange, 1500)
    fit("ATANH_REST f64", g, weight, 0, end, 6, f64, 2, exchange, 1500)


def softplus():
    # With s = z / (1 + z / 2), ln(1 + z) = 2 atanh(s / 2), for z up to 1.
    end = (mpf(2) / 3) ** 2
    g, weight = lambda u: (2 * atanh(sqrt(u) / 2) / sqrt(u) - 1) / u, lambda u: u * sqrt(u) / (2 * atanh(sqrt(u) / 2))
    fit("SOFTPLUS_REST f32", g, weight, 0, end, 3, f32, 2, least_squares, 120)
    fit("SOFTPLUS_REST f64", g, weight, 0, end, 9, f64, 2, least_squares, 120)


def trigonometric():
    wide, narrow = [(pi / 4 + mpf(margin)) ** 2 for margin in ("0.01", "0.003")]
    s, s_weight = lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z * sqrt(z) / sin(sqrt(z))
    c, c_weight = lambda z: (cos(sqrt(z)) - 1) / z, lambda z: z / cos(sqrt(z))
    fit("SIN_REST f32", s, s_weight, 0, wide, 2, f32, 2, least_squares, 120)
    fit("COS_REST f32", c, c_weight, 0, narrow, 2, f32, 2, least_squares, 120)
    fit("SIN_REST f64", s, s_weight, 0, wide, 6, f64, 2, least_squares, 120)
    fit("COS_REST f64", c, c_weight, 0, wide, 6, f64, 2, least_squares, 120)


def error_function():
    g, weight = lambda z: erf(sqrt(z)) / sqrt(z) - 1, lambda z: sqrt(z) / erf(sqrt(z))
    fit("ERF_SMALL", g, weight, 0, mpf("1.5") ** 2, 8, f32, 4, least_squares, 120)
    fit("ERF_REST f64", g, weight, 0, mpf("0.85") ** 2, 11, f64, 4, least_squares, 120)
    centre = f32((mpf("1.5") + mpf("3.93")) / 2)
    far, far_weight = lambda u: erf(u + centre), lambda u: 1 / erf(u + centre)
    fit("ERF_FAR", far, far_weight, mpf("1.5") - centre, mpf("3.93") - centre, 11, f32, 3, least_squares, 120)
    # The middle a is such that the first coefficient, which is (x + a) e^(x^2) erfc x at x = a, is nearly a number
    # of the format.
    for name, a, end, degree, rounded in (("f32", 2.875, "10.2", 7, f32), ("f64", 3.828125, "27.4", 20, f64)):
        tail(name, mpf(a), mpf(end), degree, rounded)


def tail(name, a, end, degree, rounded):
    def g(t):
        x = a * (1 + t) / (1 - t)
        return (x + a) * exp(x * x) * erfc(x)

    low, high = [(x - a) / (x + a) for x in (mpf("0.845"), end)]
    fit(f"TAIL {name}", g, lambda t: 1 / g(t), low, high, degree, rounded, 3, least_squares, 120)


def normal():
    """A quotient p / q, of which p[0], q[0] and then p[1] are fixed and the others rounded at once."""

    def g(x):
        return exp(x * x / 2) * erfc(x / sqrt(mpf(2))) / 2

    a, end = mpf("1.9"), mpf("14.4")
    points = [a * (1 + t) / (1 - t) for t in chebyshev(mpf(-1), (end - a) / (end + a), 120)]
    points = [(x, g(x)) for x in points]
    p, _ = quotient(points, {0: mpf("0.5")}, 4, 5)
    p, q = quotient(points, {0: mpf("0.5"), 1: mpf(round(p[1] * 2**18)) / 2**18}, 4, 5)
    p, q = [f32(c) for c in p], [f32(c) for c in q]
    error = max(abs(value(p, x) / value(q, x) / y - 1) for x, y in points)
    print(f"NORMAL p, 2^{float(log(error, 2)):.1f}: {', '.join(shortest(c, f32) for c in p)}")
    print(f"NORMAL q: {', '.join(shortest(c, f32) for c in q)}")


def value(c, x):
    return sum(ck * x**k for k, ck in enumerate(c))


def quotient(points, fixed, p_degree, q_degree):
    """Least squares of p - g q at points (x, g), divided by g times the q of the fit before; q[0] is 1."""
    powers = [k for k in range(p_degree + 1) if k not in fixed]
    n = len(powers) + q_degree
    q = [mpf(1)]
    for _ in range(4):
        a, r = matrix(n, n), matrix(n, 1)
        for x, y in points:
            w = 1 / (y * value(q, x))
            row = [x**k * w for k in powers] + [-y * x**k * w for k in range(1, q_degree + 1)]
            goal = (y - sum(c * x**k for k, c in fixed.items())) * w
            for i in range(n):
                r[i] += row[i] * goal
                for j in range(n):
                    a[i, j] += row[i] * row[j]
        c = list(lu_solve(a, r))
        p = dict(zip(powers, c)) | fixed
        q = [mpf(1)] + c[len(powers) :]
    return [p[k] for k in range(p_degree + 1)], q


exponential()
logarithm()
softplus()
normal()
trigonometric()
error_function()
