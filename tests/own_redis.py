"""Each worker of pytest-xdist has a database of its own on the run's Redis: one clears its cache, the others keep theirs.

A plugin (``-p tests.own_redis``): it must be there before the settings are read.
"""

from __future__ import annotations

import os

NUMBER = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")

if os.environ.get("REDIS_URL"):
    os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'].rpartition('/')[0]}/{NUMBER}"
