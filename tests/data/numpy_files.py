"""Writes what NumPy makes of a few arrays, for tests/data_files/numpy.rs: archives of every kind, and old and new headers.

Run with NumPy installed: `python tests/data/numpy_files.py` (NumPy 2.4.6 wrote the files that are here).
"""

import zipfile
from pathlib import Path

import numpy

FOLDER = Path(__file__).parent


def array(dtype):
    """[[0, 1, 2], [lowest, highest, 3]] of the type."""
    kind = numpy.dtype(dtype)
    limits = numpy.finfo(kind) if kind.kind == "f" else numpy.iinfo(kind)
    return numpy.array([[0, 1, 2], [limits.min, limits.max, 3]], dtype=kind)


ARRAYS = {name: array(name) for name in "i1 u1 <i2 >i2 <u2 >u2 <i4 >i4 <u4 >u4 <i8 >i8 <f4 >f4 <f8 >f8".split()}
ARRAYS |= {
    "bool": numpy.array([[True, False], [False, True]]),
    "fortran": numpy.asfortranarray(numpy.arange(24, dtype="<f8").reshape(2, 3, 4)),
    "big_fortran": numpy.asfortranarray(numpy.arange(6, dtype=">i2").reshape(2, 3)),
    "strided": numpy.arange(12, dtype="<f4").reshape(3, 4)[::2, ::-1],
    "scalar": numpy.array(7.5),
    "empty": numpy.zeros((0, 3), dtype="<f4"),
    "größe": numpy.array([1.5]),
    "half": numpy.array([1.5], dtype="<f2"),
    "u8": numpy.array([2**64 - 1], dtype="<u8"),
    "complex": numpy.array([1j]),
    "text": numpy.array(["text"]),
    "record": numpy.zeros(2, dtype=[("x", "<f4"), ("y", "<i4")]),
}

numpy.savez(FOLDER / "numpy.npz", numpy.array([1.0, 2.0]), **ARRAYS)
numpy.savez_compressed(FOLDER / "numpy_compressed.npz", numpy.array([1.0, 2.0]), **ARRAYS)

# As if every size, place and number of entries were beyond what 32 bits, or 16, hold. Python's last record repeats the
# numbers as long as they fit; that of a large archive does not.
zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = 1, 0
WIDE = FOLDER / "numpy_zip64.npz"
numpy.savez_compressed(WIDE, x=numpy.arange(6.0).reshape(2, 3), y=numpy.array([7], dtype="u1"))
archive = WIDE.read_bytes()
WIDE.write_bytes(archive[:-14] + b"\xff" * 12 + archive[-2:])

for version in [(1, 0), (2, 0), (3, 0)]:
    with open(FOLDER / f"numpy_{version[0]}.npy", "wb") as file:
        numpy.lib.format.write_array(file, numpy.arange(6, dtype=">i4").reshape(2, 3), version=version)
