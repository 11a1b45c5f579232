"""Makes goldens.json: singular values and eigenvalues by LAPACK (through numpy), and, where LAPACK itself has
no digits left, by mpmath with 600 digits.

    python3 make_goldens.py && npx biome format --write goldens.json        (numpy, scipy, mpmath)

Numbers are written so that they are read back exactly. Random matrices are not written out: `draw` here and in
matrices.ts make the same ones, from whole numbers.
"""

import json
import math
import pathlib

import mpmath
import numpy as np
import scipy.linalg

mpmath.mp.dps = 600
EPS = 2.0**-52


def draw(rows, columns, seed):
    """Numbers from -1 to 1 in steps of 2^-15, by a linear congruential generator."""
    state = seed
    numbers = []
    for _ in range(rows * columns):
        state = (state * 1664525 + 1013904223) % 2**32
        numbers.append((state >> 16) / 2**15 - 1)
    return np.array(numbers).reshape(rows, columns)


def symmetric_part(a):
    return (a + a.T) / 2


def written(a):
    return {"rows": a.shape[0], "columns": a.shape[1], "data": [float(x) for x in a.ravel()]}


def drawn(rows, columns, seed, symmetric=False):
    return {"rows": rows, "columns": columns, "seed": seed, "symmetric": symmetric}


def orthogonal(n, seed):
    return np.linalg.qr(draw(n, n, seed))[0]


def with_values(values, seed, columns=None):
    """A dense matrix with these singular values (or as near as rounding lets it be)."""
    n = len(values)
    left, right = orthogonal(n, seed), orthogonal(columns or n, seed + 1)
    return (left * values) @ right[:n]


def with_eigenvalues(values, seed):
    q = orthogonal(len(values), seed)
    return symmetric_part((q * values) @ q.T)


def bidiagonal(diagonal, above):
    return np.diag(diagonal) + np.diag(above, 1)


def kahan(n, theta=1.2):
    s, c = math.sin(theta), math.cos(theta)
    a = np.eye(n) - c * np.triu(np.ones((n, n)), 1)
    return np.array([s**i for i in range(n)])[:, None] * a


def hilbert(n):
    return np.array([[1 / (i + j + 1) for j in range(n)] for i in range(n)])


def exact_singular(a):
    values = mpmath.svd_r(mpmath.matrix(a.tolist()), compute_uv=False)
    return sorted((float(x) for x in values), reverse=True)


def exact_symmetric(a):
    return sorted(float(x) for x in mpmath.eigsy(mpmath.matrix(a.tolist()), eigvals_only=True))


svd = []
for rows, columns, seed in [
    (5, 5, 1), (8, 8, 2), (17, 17, 3), (33, 33, 4), (60, 60, 5),
    (9, 4, 6), (60, 20, 7), (41, 37, 8), (4, 9, 9), (12, 60, 10), (37, 41, 11), (7, 1, 12), (1, 7, 13),
]:
    a = draw(rows, columns, seed)
    svd.append({"name": f"random {rows} x {columns}", "matrix": drawn(rows, columns, seed),
                "values": np.linalg.svd(a, compute_uv=False).tolist()})

graded = np.array([[10.0 ** -(i + j) for j in range(10)] for i in range(10)]) * (1 + draw(10, 10, 21) / 4)
for name, a, exact in [
    ("repeated", with_values([3, 3, 3, 2, 2, 1, 1, 1, 1, 1], 20), False),
    ("graded by rows and columns", graded, False),
    ("graded bidiagonal, 1 to 1e-15", bidiagonal([10.0**-i for i in range(16)], [0.7 * 10.0**-i for i in range(15)]), True),
    ("graded bidiagonal, 1e-15 to 1", bidiagonal([10.0 ** (i - 15) for i in range(16)], [0.7 * 10.0 ** (i - 15) for i in range(15)]), True),
    ("bidiagonal with tiny entries", bidiagonal([1, 1e-40, 3, 1e-120, 2, 1e-80], [1, 2, 1e-60, 1, 1]), True),
    ("bidiagonal, ones with a tiny end", bidiagonal([1.0] * 19 + [1e-30], [1.0] * 19), True),
    ("bidiagonal with zeros on its diagonal", bidiagonal([2, 0, 1, 3, 0], [1, 1, 1, 1]), False),
    ("rank 3 of 12", with_values([5, 2, 1] + [0] * 9, 22), False),
    ("ones", np.ones((7, 5)), False),
    ("zero", np.zeros((4, 3)), False),
    ("one entry", np.array([[0.0, 0, 0], [0, 0, -2], [0, 0, 0]]), False),
    ("Hilbert 12", hilbert(12), False),
    ("Kahan 20", kahan(20), False),
    ("orthogonal", orthogonal(11, 23), False),
    ("identity", np.eye(6), False),
    ("near zero", draw(6, 6, 24) * 2.0**-1000, False),
    ("denormal", np.ldexp(np.round(draw(5, 5, 25) * 1000), -1074), False),
    ("huge", draw(6, 4, 26) * 2.0**1020, False),
    ("from 1e-300 to 1e300", np.diag([1e300, 1e150, 1.0, 1e-150, 1e-300]), False),
    ("two clusters", with_values([1 + i * 1e-14 for i in range(6)] + [1e-8 + i * 1e-22 for i in range(6)], 27), False),
    ("wide and of low rank", with_values([4, 1, 1e-9, 0, 0], 28, 30), False),
]:
    case = {"name": name, "matrix": written(a), "values": np.linalg.svd(a, compute_uv=False).tolist()}
    if exact:
        case["exact"] = exact_singular(a)
    svd.append(case)

symmetric = []
for n, seed in [(2, 30), (5, 31), (16, 32), (33, 33), (60, 34)]:
    a = symmetric_part(draw(n, n, seed))
    symmetric.append({"name": f"random {n}", "matrix": drawn(n, n, seed, True), "values": np.linalg.eigvalsh(a).tolist()})
wilkinson = np.diag([abs(i - 10.0) for i in range(21)]) + np.diag([1.0] * 20, 1) + np.diag([1.0] * 20, -1)
for name, a in [
    ("clusters", with_eigenvalues([-1, -1 + 1e-14, -1 + 2e-14, 0, 1e-15, 2, 2, 2, 2 + 1e-13], 35)),
    ("repeated", with_eigenvalues([-2, -2, -2, 1, 1, 1, 1, 5], 36)),
    ("Wilkinson W21+", wilkinson),
    ("second difference 20", 2 * np.eye(20) - np.diag([1.0] * 19, 1) - np.diag([1.0] * 19, -1)),
    ("Hilbert 10", hilbert(10)),
    ("rank 1", np.outer(np.arange(1.0, 9), np.arange(1.0, 9))),
    ("zero", np.zeros((5, 5))),
    ("identity", np.eye(5)),
    ("zero diagonal", np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])),
    ("arrow", np.diag(np.arange(1.0, 11)) + np.eye(10)[:, [0]] @ np.ones((1, 10)) + np.ones((10, 1)) @ np.eye(10)[[0]]),
    ("near zero", symmetric_part(draw(6, 6, 37)) * 2.0**-1000),
    ("huge", symmetric_part(draw(6, 6, 38)) * 2.0**1020),
    ("blocks of very different size", scipy.linalg.block_diag(draw(3, 3, 39) @ draw(3, 3, 39).T, 1e-200 * np.array([[2.0, 1], [1, 2]]))),
    ("graded", np.array([[10.0 ** -(i + j) for j in range(8)] for i in range(8)]) + np.diag([10.0 ** (-2 * i) for i in range(8)])),
]:
    symmetric.append({"name": name, "matrix": written(a), "values": np.linalg.eigvalsh(a).tolist()})
w21 = next(case for case in symmetric if case["name"] == "Wilkinson W21+")
w21["exact"] = exact_symmetric(wilkinson)


def condition_tolerance(a):
    """First-order bound of a simple eigenvalue's error after a relative change by n*EPS of the balanced matrix, which
    is what is decomposed, with a margin of 10."""
    a = scipy.linalg.matrix_balance(a)[0]
    _, left, right = scipy.linalg.eig(a, left=True)
    slant = np.abs(np.sum(left.conj() * right, axis=0)).min()
    return 10 * len(a) * EPS * np.linalg.norm(a, 2) / slant


def companion(coefficients):
    n = len(coefficients)
    a = np.diag([1.0] * (n - 1), -1)
    a[:, -1] = -np.array(coefficients[::-1])
    return a


def jordan(value, n):
    return value * np.eye(n) + np.diag([1.0] * (n - 1), 1)


def grcar(n):
    a = np.eye(n) - np.diag([1.0] * (n - 1), -1)
    for k in (1, 2, 3):
        a += np.diag([1.0] * (n - k), k)
    return a


def frank(n):
    return np.array([[0.0 if j < i - 1 else float(n - max(i, j)) for j in range(n)] for i in range(n)])


def similar(a, seed):
    """The same eigenvalues behind an orthogonal change of basis: nothing can be read off."""
    q = orthogonal(len(a), seed)
    return q @ a @ q.T


general = []


def add_general(name, a, matrix=None, exact=None, tolerance=None):
    """`exact` eigenvalues where the matrix is defective: `tolerance` then is the k-th root of rounding."""
    values = np.linalg.eigvals(a) if exact is None else np.array(exact, dtype=complex)
    general.append({
        "name": name, "matrix": matrix or written(a),
        "re": values.real.tolist(), "im": values.imag.tolist(),
        "tolerance": condition_tolerance(a) if tolerance is None else tolerance,
    })


for n, seed in [(2, 50), (3, 51), (5, 52), (16, 53), (33, 54), (60, 55)]:
    add_general(f"random {n}", draw(n, n, seed), drawn(n, n, seed))
# Defective: k equal eigenvalues in one block move by about the k-th root of the rounding, n*EPS*norm.
for k, seed in [(2, 56), (3, 57), (4, 58), (6, 59)]:
    add_general(f"Jordan block of {k}, turned", similar(jordan(2.0, k), seed), exact=[2] * k, tolerance=2 * (k * EPS * 3) ** (1 / k))
add_general("Jordan block of 8, as it is", jordan(3.0, 8), exact=[3] * 8, tolerance=0)
mixed = scipy.linalg.block_diag(jordan(1.0, 3), jordan(1.0, 2), jordan(-2.0, 1))
add_general("Jordan blocks of 3 and 2 with one eigenvalue, turned", similar(mixed, 60), exact=[1] * 5 + [-2], tolerance=2 * (6 * EPS * 3) ** (1 / 3))
add_general("nilpotent, as it is", np.diag([1.0] * 6, 1), exact=[0] * 7, tolerance=0)
add_general("nilpotent of index 3, turned", similar(np.diag([1.0, 1.0], 1), 61), exact=[0] * 3, tolerance=2 * (3 * EPS) ** (1 / 3))
roots = companion(np.poly(np.arange(1, 11))[1:].tolist())
add_general("roots 1 to 10, companion", roots, exact=list(range(1, 11)), tolerance=condition_tolerance(roots))
add_general("roots of unity, companion", companion([0.0] * 8 + [-1.0]))
add_general("Grcar 25", grcar(25))
add_general("rotation by 0.3", np.array([[math.cos(0.3), -math.sin(0.3)], [math.sin(0.3), math.cos(0.3)]]))
turns = scipy.linalg.block_diag(*[r * np.array([[math.cos(t), -math.sin(t)], [math.sin(t), math.cos(t)]]) for r, t in [(1, 0.1), (2, 1.5), (2, 3.0), (0.5, 2.2)]])
add_general("rotations, turned", similar(turns, 62))
add_general("repeated, not defective", similar(np.diag([2.0, 2, 2, -1, -1, 0]), 63))
add_general("circulant", scipy.linalg.circulant([1.0, 2, 3, 4, 5, 6, 7, 8]))
add_general("cyclic permutation of 9", np.roll(np.eye(9), 1, axis=0))
add_general("Frank 9", frank(9))
add_general("zero", np.zeros((4, 4)))
add_general("identity", np.eye(4))
add_general("triangular", np.triu(draw(8, 8, 64)), exact=np.diag(draw(8, 8, 64)).tolist(), tolerance=0)
add_general("skew", draw(7, 7, 65) - draw(7, 7, 65).T)
add_general("near zero", draw(5, 5, 66) * 2.0**-1000, tolerance=1e-13 * 2.0**-1000)
add_general("huge", draw(5, 5, 67) * 2.0**1018, tolerance=1e-13 * 2.0**1018)
scaling = np.array([1e8 ** (i % 3) for i in range(9)])
add_general("badly scaled", draw(9, 9, 68) * scaling[:, None] / scaling, exact=np.linalg.eigvals(draw(9, 9, 68)), tolerance=condition_tolerance(draw(9, 9, 68)))
# Two exceptional cases of the unshifted iteration: both need exceptional shifts or a start off the diagonal.
add_general("0 0 1; 1 0 0; 0 1 0", np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]))
add_general("Batterson and Day", np.array([[0.0, 0, 0, -1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]))

out = pathlib.Path(__file__).with_name("goldens.json")
made = f"numpy {np.__version__}, scipy {scipy.__version__}, mpmath {mpmath.__version__}"
lines = ["{", f'"made": {json.dumps(made)},']
for name, cases in [("svd", svd), ("symmetric", symmetric), ("general", general)]:
    body = ",\n".join(json.dumps(case) for case in cases)
    lines.append(f'"{name}": [\n{body}\n]' + ("" if name == "general" else ","))
out.write_text("\n".join([*lines, "}", ""]))
