"""What a client's frame must be before anything is done for it: small, JSON, not too often, known, valid.

Owns these limits and what each is answered with. Must not act on a frame.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from channels_app.contract import BadPayload, TooDeep, read_json
from tenants.errors import Invalid, ServiceError, TooMany
from tenants.strict import strict_of

MOST_BYTES = 32 * 1024
FRAMES_PER_S, FRAMES_BURST = 6.0, 60
STRIKES = 3

PROTOCOL_ERROR, TOO_FAST, TOO_BIG = 4400, 4429, 1009


class PingFrame(BaseModel):
    n: int | float | None = None


class PlainFrame(BaseModel):
    """A frame that says all by its type."""


class Busy(TooMany):
    """It is not the caller who is too fast."""


class Refused(Exception):
    """``error`` is what the client is told, ``close`` the code to close with; 0: go on."""

    def __init__(self, error: ServiceError, close: int = 0):
        super().__init__(error.code)
        self.error, self.close = error, close


class Reader:
    """Reads what one client sends, and counts what it does wrong."""

    def __init__(self) -> None:
        self._left, self._counted_at = float(FRAMES_BURST), time.monotonic()
        self._malformed = self._too_fast = 0

    def fields(self, text: str) -> dict[str, Any]:
        """The members of a frame. Raises Refused."""
        if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
            raise Refused(Invalid("The frame is too big.", code="too_big"), TOO_BIG)
        error = Invalid("The frame is not a JSON object.", code="malformed_json")
        try:
            fields = read_json(text)
        except BadPayload as refused:
            fields = None
            if isinstance(refused, TooDeep):
                error = Invalid("The frame is nested too deep.", code="too_deep")
        if not isinstance(fields, dict):
            self._malformed += 1
            raise Refused(error, PROTOCOL_ERROR if self._malformed >= STRIKES else 0)
        return fields

    def count(self) -> None:
        """One frame more. Raises TooMany when they come too fast."""
        at = time.monotonic()
        self._left = min(FRAMES_BURST, self._left + (at - self._counted_at) * FRAMES_PER_S)
        self._counted_at = at
        if self._left < 1:
            raise TooMany("Too many frames.", retry_after=(1 - self._left) / FRAMES_PER_S)
        self._left -= 1

    def too_fast(self) -> int:
        """The client is told to slow down: the code to close with, 0 the first times."""
        self._too_fast += 1
        return TOO_FAST if self._too_fast >= STRIKES else 0


def kind_of(frames: Mapping[str, Any], fields: dict[str, Any]) -> str:
    """Raises Invalid ``unknown_type``."""
    kind = fields.get("t")
    if not isinstance(kind, str) or kind not in frames:
        raise Invalid("There is no such type of frame.", code="unknown_type")
    return kind


def frame_of(model: type[BaseModel], fields: dict[str, Any]) -> BaseModel:
    """Raises Invalid, which names the members that are wrong, or the rule of the whole frame that it breaks, and quotes
    nothing of it."""
    try:
        return strict_of(model).validate_python(fields)
    except ValidationError as error:
        wrong = ", ".join(
            sorted(
                {str(problem["loc"][0] if problem["loc"] else problem["ctx"]["error"]) for problem in error.errors()}
            )
        )
        raise Invalid(f"The frame is not valid: {wrong[:200]}.") from None
