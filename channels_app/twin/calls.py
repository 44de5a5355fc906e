"""What goes in and out of the twin: calls and their answers, and the webhooks it posts.

Owns these shapes. Must not use the adapters' code: a mistake made twice would hide itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class Refused(Exception):
    """The caller asked for something the twin cannot do; ``answer`` says what."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass
class Call:
    """One HTTP request to the twin. ``path`` is without the query, header names are lower case;
    ``status`` (0: no answer) and ``fault`` are filled in when it has been answered."""

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    at: float = 0.0
    status: int = 0
    fault: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)  # named groups of the route's pattern

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def base(self) -> str:
        return f"http://{self.headers.get('host', 'localhost')}"

    def json(self) -> dict[str, Any]:
        """The body as an object; {} when it is anything else."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def file(self, name: str) -> tuple[str, bytes] | None:
        """MIME type and bytes of a file of a multipart form."""
        head = b"Content-Type: " + self.headers.get("content-type", "").encode() + b"\r\n\r\n"
        for part in message_from_bytes(head + self.body).walk():
            if part.get_param("name", header="content-disposition") == name:
                return part.get_content_type(), bytes(part.get_payload(decode=True))  # type: ignore[arg-type]
        return None


class Cut(Exception):
    """Raised among the chunks of an answer: the connection ends here."""


@dataclass(frozen=True)
class Answer:
    """``chunks`` in place of ``body`` are sent one by one, as they come."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: Iterable[bytes] | None = None


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """``value`` as JSON; header names take ``_`` for ``-``."""
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, json.dumps(value).encode(), headers=names)


@dataclass(frozen=True)
class Webhook:
    """One signed request from the platform to the service. ``label`` names it in the traffic. ``then`` is
    given the body of the answer, where the platform acts on it; ``wanted`` is asked just before: a request
    that has become pointless is dropped."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    label: str = ""
    method: str = "POST"
    then: Callable[[bytes], None] | None = None
    wanted: Callable[[], bool] = lambda: True
