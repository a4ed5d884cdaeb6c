"""The program of the child process in which XGBoost parses a booster before anybody trusts it.

Enters: the path of XGBoost's library as the one argument, a booster's bytes on standard input.
Leaves: exit code 0, or `REFUSED` with XGBoost's own words on standard error, or a death by a
signal; any other code is a failure of this program, not of the booster. It is run as a file, in
Python's isolated mode, and imports nothing but the standard library: with the library's C functions
it is over in a tenth of the time that importing the package takes. apart.py starts it.
"""

from __future__ import annotations

import ctypes
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


def refusal(library: str, data: bytes) -> str | None:
    """What XGBoost's `library` says against the booster `data`; None where it reads it."""
    xgboost = ctypes.CDLL(library)
    xgboost.XGBGetLastError.restype = ctypes.c_char_p
    booster = ctypes.c_void_p()
    failed = xgboost.XGBoosterCreate(
        None, ctypes.c_uint64(0), ctypes.byref(booster)
    ) or xgboost.XGBoosterLoadModelFromBuffer(booster, data, ctypes.c_uint64(len(data)))
    return xgboost.XGBGetLastError().decode(errors="replace") if failed else None


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
