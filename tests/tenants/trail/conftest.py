"""What tests of the trail share with those of the console's pages."""

from __future__ import annotations

from tests.admin.conftest import staff_of, superuser

__all__ = ["staff_of", "superuser"]
