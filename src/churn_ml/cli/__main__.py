"""`python -m churn_ml.cli`: the same as `churn-ml`."""

from __future__ import annotations

from churn_ml.cli import main

if __name__ == "__main__":
    main()
