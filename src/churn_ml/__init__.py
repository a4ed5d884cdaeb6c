"""Who is leaving a shop, why, what each is worth, what to do, and whether it paid."""

import os

# OpenMP reads this when scikit-learn or XGBoost is loaded: a thread that waits sleeps. By default
# it spins, which doubles the processor time of a fit where the cores have other work
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
