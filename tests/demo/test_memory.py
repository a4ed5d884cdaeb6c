"""A peak is the highest of all looks, or an error: never the highest of some."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from churn_ml.demo.memory import peak_pss


def test_a_look_that_fails_is_raised_at_the_end() -> None:
    looked = threading.Event()

    def measure() -> float:
        if threading.current_thread() is threading.main_thread():
            return 1.0
        looked.set()
        raise OSError("no more files")

    with pytest.raises(OSError, match="no more files"), peak_pss(measure, every_seconds=0.01):
        assert looked.wait(10)


def test_the_direct_demo_and_the_help_need_no_package_of_the_platform() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('psutil', 'httpx', 'airflow')))\n"
        "import churn_ml.cli, churn_ml.demo\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
