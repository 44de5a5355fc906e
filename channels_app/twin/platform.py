"""What one platform of the twin is made of: routes, a voice for its people, its way to refuse.

Owns these shapes. Must not know any platform, nor use the adapters' code: a mistake made twice would
hide itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from channels_app.twin.server import Twin


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


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


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


Handler = Callable[["Twin", Call], Answer]


@dataclass(frozen=True)
class Route:
    method: str
    pattern: str
    handler: Handler

    def match(self, call: Call) -> dict[str, str] | None:
        found = re.fullmatch(self.pattern, call.path) if call.method == self.method else None
        return None if found is None else found.groupdict()


@dataclass(frozen=True)
class Platform:
    """One file below platforms/ defines one.

    ``settings`` are the defaults of what ``configure`` changes. ``is_send`` tells a message from other
    calls, so that a fault hits what it is meant for. ``refuse`` answers a fault (429, 500 or
    refuse_token) in the platform's words. ``say`` turns a person's words, ``{"from", "text" | "message"}``,
    into (platform message id, webhooks). ``show`` makes of a message's body what the page displays:
    ``{"text", "choices": [{"title", "message"}]}``, where message is what ``say`` takes when a person
    picks the choice. ``handshake`` gives the check of the webhook address and the answer it must get.
    ``media`` are files that exist from the start: id → (MIME type, bytes).
    """

    kind: str
    settings: Mapping[str, Any]
    routes: Sequence[Route]
    is_send: Callable[[Call], bool]
    refuse: Callable[[str], Answer]
    say: Callable[[Twin, Mapping[str, Any]], tuple[str, list[Webhook]]]
    show: Callable[[Mapping[str, Any]], dict[str, Any]]
    handshake: Callable[[Mapping[str, Any]], tuple[Webhook, bytes]] | None = None
    media: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
