"""Libraries that import whatever else they find installed, without being asked to: here they find it missing.

Owns the one way to say so. Must not hide what the service uses.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


def never(*modules: str) -> None:
    """Modules that only their library's own other uses need: they fail to import from now on, unless loaded already."""
    for name in modules:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


@contextmanager
def missing(*packages: str) -> Iterator[None]:
    """What is imported inside is told that these are not installed; what is loaded already stays."""
    hidden = [name for name in packages if name not in sys.modules]
    never(*hidden)
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
