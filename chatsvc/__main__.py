"""Celery's commands as deploy/run calls them: ``python -m chatsvc -A chatsvc worker …``.

Celery's own program brings the shell of ``celery shell`` and ``celery repl`` along, 6 MB in every process.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


def main() -> None:
    shell: Any = ModuleType("click_repl")
    shell.register_repl = lambda *_, **__: None
    sys.modules.setdefault("click_repl", shell)
    from celery.bin.celery import main as celery

    sys.argv[0] = "celery"  # what it calls itself in its help, and to its fellow processes
    sys.exit(celery())


if __name__ == "__main__":
    main()
