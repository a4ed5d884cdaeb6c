"""What a child of a shop whose steps are real needs beside: it takes seconds to import."""

from __future__ import annotations


def preload() -> None:
    """Import it, once, before the first fork."""
    import xgboost  # noqa: F401
