"""What a command is refused with, and the one form in which `--json` tells it.

Must not import models: a line is refused before the command has set Django up, too.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError


class Refused(CommandError):
    """What a command cannot be done with. ``code``: stable, told by those that tell JSON. ``said``: the message there, where
    that for people has more in it. ``details``: JSON."""

    def __init__(self, message: str, code: str = "invalid_argument", *, said: str = "", details: Any = None):
        super().__init__(message)
        self.code, self.said, self.details = code, said or message, details

    def to_json(self) -> str:
        """One line for stdout."""
        return json.dumps({"error": {"code": self.code, "message": self.said, "details": self.details or []}})
