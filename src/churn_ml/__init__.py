"""Who is leaving a shop, why, what each is worth, what to do, and whether it paid."""

__version__ = "0.1.0"
