"""Makes the kit's assertions explain themselves. Must hold no fixtures: the tables need none."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.adapters.kit")
