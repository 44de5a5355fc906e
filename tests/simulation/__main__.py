"""`python -m tests.simulation`: the command of command.py, on a database of its own in memory."""

from __future__ import annotations

import os
import sys

import django


def start() -> int:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "chatsvc.settings", "ENVIRONMENT": "test"}
    os.environ |= {"DATABASE_URL": "sqlite://:memory:", "REDIS_URL": "", "KAFKA_BROKERS": ""}
    django.setup()
    from tests.simulation.command import main

    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(start())
