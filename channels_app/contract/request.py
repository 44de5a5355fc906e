"""A platform's HTTP request as it came in, and the answer it gets.

Owns what can be stored of the outside world's JSON. Must not know any platform.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

EVERYBODY = "*"  # a lane that all others of the channel cross: see Adapter.lane
ACCOUNT = "account"  # the lane of what a platform tells of the account itself: no person has such an id


def lane_of(people: Iterable[str]) -> str:
    """The lane of a request that concerns these people: "" for none, EVERYBODY for more than one."""
    known = set(people)
    return EVERYBODY if len(known) > 1 else next(iter(known), "")[:255]


MOST_NESTED = 100  # levels of JSON: MongoDB takes no more in a row
LARGEST = 2**63 - 1  # a longer integer is kept as text: MongoDB's have 64 bits


@dataclass(frozen=True)
class RawRequest:
    """One HTTP request as it came in: what the webhook view builds, the receipt stores,
    the worker reopens and the payload files of the tests contain.

    ``headers`` has lower-case names. ``query`` keeps the last value of a repeated key.
    ``url`` is the absolute public address as the platform called it (Twilio signs it).
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    url: str = ""

    def json(self) -> Any:
        """The body as JSON (see read_json). Raises BadPayload."""
        return read_json(self.body)

    def form(self) -> dict[str, str]:
        """The body as ``application/x-www-form-urlencoded``; the last of a repeated key wins. What is no UTF-8, such as
        half an emoji where a network has cut a text in two, reads as U+FFFD: the rest of it counts."""
        return _storable(dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)))

    def to_stored(self) -> dict[str, Any]:
        """A JSON-safe dict; ``from_stored`` gives the same request back."""
        return {
            "method": self.method,
            "path": self.path,
            "headers": dict(self.headers),
            "query": _storable(dict(self.query)),  # no signature covers it, and PostgreSQL refuses NUL
            "body": base64.b64encode(self.body).decode("ascii"),
            "url": self.url,
        }

    @property
    def is_erased(self) -> bool:
        """Whether only its line was kept (`erased`)."""
        return not (self.headers or self.body)

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> RawRequest:
        return cls(**{**stored, "body": base64.b64decode(stored["body"])})


def erased(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A stored request without all that a person may have written."""
    return RawRequest(stored["method"], stored["path"]).to_stored()


def read_json(source: bytes | str) -> Any:
    """JSON of the outside world as every database can store it: no NaN, no Infinity, no NUL, no lone
    surrogate. Raises BadPayload for anything else, TooDeep beyond MOST_NESTED levels."""
    try:
        found = json.loads(source, parse_constant=_finite, parse_float=_finite, parse_int=_whole)
        return _storable(found) if _odd(source) else found
    except RecursionError as error:
        raise TooDeep from error
    except ValueError as error:
        raise BadPayload("body is not JSON") from error


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise ValueError(f"{number} is not a number that can be stored")
    return value


def _whole(number: str) -> int | str:
    value = int(number)
    return value if abs(value) <= LARGEST else str(value)


def _odd(source: bytes | str) -> bool:
    """Whether JSON may be nested too deep, or hold NUL or lone surrogates: only as escapes, in bytes of another encoding
    than UTF-8, in what begins like a surrogate there, or in a text that had them before."""
    if isinstance(source, str):
        return not source.isascii() or "\\u" in source or source.count("[") + source.count("{") > MOST_NESTED
    odd = any(sign in source for sign in (b"\\u", b"\0", b"\xed"))
    return odd or source.count(b"[") + source.count(b"{") > MOST_NESTED


def _storable(value: Any, level: int = 0) -> Any:
    if level > MOST_NESTED:
        raise TooDeep
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_storable(key): _storable(member, level + 1) for key, member in value.items()}
    if isinstance(value, list):
        return [_storable(member, level + 1) for member in value]
    return value


@dataclass(frozen=True)
class Reply:
    """The HTTP answer a platform expects."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"


class BadSignature(Exception):
    """The request does not prove that it comes from the platform: answered 401, not stored."""


class BadPayload(Exception):
    """The request is genuine but cannot be read: kept for inspection, answered 200."""


class TooDeep(BadPayload):
    """JSON of more than MOST_NESTED levels."""

    def __init__(self) -> None:
        super().__init__(f"nested deeper than {MOST_NESTED} levels")
