"""The program of the child process in which XGBoost parses a booster before anybody trusts it.

Enters: the path of XGBoost's library as the one argument, a booster's bytes on standard input.
Leaves: exit code 0, or `REFUSED` with XGBoost's own words on standard error, or a death by a
signal; any other code is a failure of this program, not of the booster. Bytes that parse may still
hold trees that lead nowhere, so the booster predicts here too. It is run as a file, in
Python's isolated mode, and imports nothing but the standard library: with the library's C functions
it is over in a tenth of the time that importing the package takes. apart.py starts it.
"""

from __future__ import annotations

import ctypes
import json
import math
import resource
import sys

REFUSED = 3
MEMORY_BYTES = 4 * 2**30
CPU_SECONDS = 60
LIMITS = {
    resource.RLIMIT_AS: MEMORY_BYTES,
    resource.RLIMIT_CPU: CPU_SECONDS,
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_CORE: 0,
}
"""A length that a flipped bit made absurd ends the child, not the machine; nothing is written."""


PREDICT = b"""{"type": 0, "training": false, "iteration_begin": 0, "iteration_end": 0,
"missing": NaN, "strict_shape": false}"""
"""XGBoost's own words for: probabilities by all trees, a NaN is a missing value."""


def refusal(library: str, data: bytes) -> str | None:
    """What XGBoost's `library` says against the booster `data`; None where it predicts."""
    xgboost = ctypes.CDLL(library)
    xgboost.XGBGetLastError.restype = ctypes.c_char_p
    booster = ctypes.c_void_p()
    failed = xgboost.XGBoosterCreate(
        None, ctypes.c_uint64(0), ctypes.byref(booster)
    ) or xgboost.XGBoosterLoadModelFromBuffer(booster, data, ctypes.c_uint64(len(data)))
    if not failed and (odd := _odd_prediction(xgboost, booster)) is not None:
        return odd
    return xgboost.XGBGetLastError().decode(errors="replace") if failed else None


def _odd_prediction(xgboost: ctypes.CDLL, booster: ctypes.c_void_p) -> str | None:
    """What is wrong with what the booster says of a row of zeros and one of missing values."""
    count = ctypes.c_uint64()
    xgboost.XGBoosterGetNumFeature(booster, ctypes.byref(count))
    width = count.value
    rows = (ctypes.c_float * (2 * width))(*[0.0] * width, *[math.nan] * width)
    told = {"data": [ctypes.addressof(rows), True], "shape": [2, width], "typestr": "<f4"}
    shape, axes = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
    found = ctypes.POINTER(ctypes.c_float)()
    outputs = (ctypes.byref(each) for each in (shape, axes, found))
    interface = json.dumps(told | {"version": 3}).encode()
    if xgboost.XGBoosterPredictFromDense(booster, interface, PREDICT, None, *outputs):
        return str(xgboost.XGBGetLastError().decode(errors="replace"))
    return None if all(0 <= p <= 1 for p in found[:2]) else f"it predicts {found[:2]}"


def lowered(most: int, hard: int) -> int:
    """The limit to take on where `hard` holds already: nobody but root may raise that one.

    >>> lowered(60, resource.RLIM_INFINITY), lowered(60, 10)
    (60, 10)
    """
    return most if hard == resource.RLIM_INFINITY else min(most, hard)


def main() -> int:
    """Take on the limits, then parse; returns the exit code."""
    for limit, most in LIMITS.items():
        held = lowered(most, resource.getrlimit(limit)[1])
        resource.setrlimit(limit, (held, held))
    said = refusal(sys.argv[1], sys.stdin.buffer.read())
    if said is None:
        return 0
    sys.stderr.write(said)
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
