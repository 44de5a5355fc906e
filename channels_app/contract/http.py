"""The outbound HTTP client as an adapter sees it.

Owns the protocol. Must not know the client behind it (channels_app/http/client.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from channels_app.contract.request import BadPayload, read_json


class Http(Protocol):
    """The outbound HTTP client handed to an adapter (see channels_app/http/client.py).

    ``request`` returns (status, lower-case headers, body). It raises Unreachable when no connection
    came about and OutcomeUnknown when the request was sent and the answer did not come.
    It never follows redirects, keeps time-outs, refuses private addresses unless the
    operator allows them, and records a redacted trace.
    """

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        content: bytes | None = None,
        files: Mapping[str, Any] | None = None,
    ) -> HttpAnswer: ...

    def fetch(self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int) -> HttpAnswer:
        """GET a file whole, redirects followed and each checked. Raises Rejected ``too_large`` as well."""
        ...


@dataclass(frozen=True)
class HttpAnswer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, or {} when it is not (platforms answer HTML in bad times)."""
        try:
            return read_json(self.body)
        except BadPayload:
            return {}
