"""The program of the child process in which XGBoost parses a booster before anybody trusts it.

Enters: the path of XGBoost's library as the one argument, a booster's bytes on standard input.
Leaves: exit code 0, or 1 with XGBoost's own words on standard error, or a death by a signal. It is
run as a file, in Python's isolated mode, and imports nothing but the standard library: with the
library's C functions it is over in a tenth of the time that importing the package takes.
apart.py starts it.
"""

from __future__ import annotations

import ctypes
import resource
import sys

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


def main() -> str | None:
    """Take on the limits, then parse; what is returned goes to standard error, with exit code 1."""
    for limit, most in LIMITS.items():
        resource.setrlimit(limit, (most, most))
    return refusal(sys.argv[1], sys.stdin.buffer.read())


if __name__ == "__main__":
    sys.exit(main())
