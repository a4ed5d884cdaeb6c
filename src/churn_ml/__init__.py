"""Who is leaving a shop, why, what each is worth, what to do, and whether it paid."""

import os

# OpenMP (scikit-learn, XGBoost) and OpenBLAS (numpy, scipy) read these when they are loaded: a
# thread that waits sleeps, after 2**4 cycles. By default it spins, which takes up to as much
# processor time again as a fit where the cores have other work; the results are the same bytes
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")

__version__ = "0.1.0"
