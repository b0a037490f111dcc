"""Random calls of the dispatch function and of kernels: each is refused, or gives what the Python reference gives.

Types, orders, strides, alignments, shapes, overlaps, threads and backends are drawn at random. Under AddressSanitizer
(``make sanitize``) an access outside an array ends the process; without it, guards beside each array show a write.
"""

import numpy as np

from fastgd import backends

NAMES = ("X", "y", "weights", "rates", "costs", "gradient")
OUTPUTS = ("weights", "costs", "gradient")
DTYPES = ["f8", "f4", "?", "i1", "i8", "f2", "g", "c16", "O", "S3", ">f8", ">f4", "M8[s]"]
SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 48, 64, 97, 400, 1601]
GUARD = 64  # bytes on either side of an array
MARK = 0xA5


def place(values, order="C", step=1, shift=0):
    """Return an equal array inside a buffer of its own, and that buffer; `shift` moves it by bytes."""
    shape = tuple(n * step for n in values.shape)
    size = int(np.prod(shape)) * values.itemsize
    buffer = np.full(size + 2 * GUARD + 8, MARK, np.uint8)
    inside = buffer[GUARD + shift : GUARD + shift + size].view(values.dtype).reshape(shape, order=order)
    view = inside[tuple(slice(None, None, step) for _ in shape)]
    view[...] = values
    return view, buffer


def draw_shape(generator):
    """Return numbers of rows, columns and epochs, mostly small, now and then with several blocks of rows."""
    n, p = generator.choice(SIZES), generator.choice([0, 1, 2, 3, 4, 5, 6, 8, 9, 15, 16, 17, 25, 40])
    return int(n), int(p), int(generator.integers(0, 4))


def draw_dtype(generator, name):
    if generator.random() < 0.02:
        return generator.choice(DTYPES)
    return generator.choice(["f8", "f4"]) if name == "X" else "f8"


def draw_array(generator, name, shape):
    """Return an array for one argument, now and then of a wrong type, shape, order or alignment; and its buffer."""
    if generator.random() < 0.02:
        shape = tuple(max(0, n + int(generator.integers(-1, 2))) for n in shape)
    if generator.random() < 0.01:
        shape = (*shape, 1)
    dtype = np.dtype(str(draw_dtype(generator, name)))
    values = generator.standard_normal(shape) * (0.01 if name == "rates" else 1)
    with np.errstate(invalid="ignore"):
        values = np.abs(values).astype("i8").astype(dtype) if dtype.kind in "MS" else values.astype(dtype)
    if dtype.kind == "O":
        return values, None
    order = "F" if name == "X" and generator.random() < 0.5 else "C"
    step = 2 if generator.random() < 0.02 else 1
    shift = int(generator.integers(1, 9)) if generator.random() < 0.03 else 0
    return place(values, order, step, shift)


def draw_call(generator):
    """Return the arguments of a call, and the buffers that hold its arrays."""
    n, p, epochs = draw_shape(generator)
    m = p + int(generator.integers(0, 2))
    shapes = {"X": (n, p), "y": (n,), "weights": (m,), "rates": (epochs,), "costs": (epochs,), "gradient": (m,)}
    arrays, buffers = {}, {}
    for name, shape in shapes.items():
        arrays[name], buffers[name] = draw_array(generator, name, shape)
    chance = generator.random()
    if chance < 0.03:
        arrays[str(generator.choice(NAMES))].flags.writeable = False
    elif chance < 0.06:
        one, other = generator.choice(NAMES, 2)
        arrays[str(one)] = arrays[str(other)]
    elif chance < 0.08:
        name = str(generator.choice(NAMES[1:]))
        arrays[name] = arrays[name][::-1]
    elif chance < 0.10 and arrays["X"].size:
        arrays["gradient"] = arrays["X"].ravel(order="A")[: len(arrays["gradient"])]
    threads = int(generator.choice([1, 1, 1, 2, 3, 8, 0, -1])) if generator.random() < 0.3 else 1
    return arrays, buffers, threads


def is_untouched(arrays, buffers):
    """Return True if the bytes around each array are as they were."""
    for name, buffer in buffers.items():
        if buffer is None or not np.shares_memory(buffer, arrays[name]) or not buffer.flags.writeable:
            continue
        start = arrays[name].__array_interface__["data"][0] - buffer.__array_interface__["data"][0]
        inside = arrays[name].nbytes if arrays[name].flags.c_contiguous or arrays[name].flags.f_contiguous else None
        before = buffer[: min(start, GUARD)]
        after = buffer[start + inside :] if inside is not None else buffer[-GUARD // 2 :]
        if not (before == MARK).all() or not (after == MARK).all():
            return False
    return True


def run(call, arrays, threads):
    """Return the number of updates, or the refusal."""
    try:
        return call(*(arrays[name] for name in NAMES), threads)
    except (TypeError, ValueError) as refusal:
        return refusal


def attack(tally, rounds=10_000, seed=0):
    """Make random calls; a fault is a changed byte outside an output, or another answer than the reference has."""
    generator = np.random.default_rng(seed)
    names = backends.available()
    taken = 0
    for number in range(rounds):
        arrays, buffers, threads = draw_call(generator)
        backend = names[number % len(names)]
        direct = generator.random() < 0.3
        before = {name: array.copy() for name, array in arrays.items()}
        expected = {name: array.copy() for name, array in arrays.items()}
        call = backends.load(backend).descend if direct else lambda *a, b=backend: backends.descend(*a, backend=b)
        got = run(call, arrays, threads)
        case = f"seed {seed}, call {number}: {backend}, threads {threads}, " + ", ".join(
            f"{name} {array.dtype} {array.shape} {array.strides}" for name, array in arrays.items()
        )
        if isinstance(got, Exception):
            same = all(np.array_equal(before[name], array, equal_nan=False) for name, array in arrays.items())
            tally.check(same and is_untouched(arrays, buffers), f"{case}: refused, but something was written: {got}")
            continue
        taken += 1
        overlap = direct and any(np.may_share_memory(arrays[a], arrays[b]) for a in OUTPUTS for b in NAMES if a != b)
        reference = expected if overlap else run_reference(expected, got)
        alike = overlap or all(
            np.allclose(reference[name], arrays[name], rtol=1e-9, atol=1e-9, equal_nan=True) for name in OUTPUTS
        )
        kept = all(np.array_equal(before[name], arrays[name]) for name in ("X", "y", "rates")) or overlap
        tally.check(alike and kept and is_untouched(arrays, buffers), f"{case}: {got} updates, but another answer")
    print(f"kernels: {taken:,} of {rounds:,} calls kept the contract and were computed, the others were refused")


def run_reference(arrays, updates):
    """Return the arrays after a call of the Python reference; it must make as many updates."""
    if backends.load("python").descend(*(arrays[name] for name in NAMES)) != updates:
        arrays["weights"] = np.full_like(arrays["weights"], np.nan)
    return arrays
