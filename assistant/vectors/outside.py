"""A question to a store's HTTP interface. The operator's address, so that it is called inside the private network."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from assistant.vectors.port import StoreAway
from channels_app.contract import SendError
from channels_app.http.client import HttpClient, authority

TOTAL_S = 10.0


def asked(
    method: str, url: str, *, headers: Mapping[str, str], secret: str, body: Any = None, known: Collection[int] = ()
) -> dict[str, Any]:
    """The JSON object that answers. {} for a status that is ``known`` to mean that there was nothing to do.

    Raises StoreAway: the code of the fault, ``http_<status>`` or ``answer_broken``."""
    client = HttpClient(frozenset({secret} if secret else ()), frozenset({authority(url)}), total_s=TOTAL_S)
    try:
        answer = client.request(method, url, headers=dict(headers), json=body)
    except SendError as error:
        raise StoreAway(error.code) from None
    if answer.status in known:
        return {}
    if answer.status != 200:
        raise StoreAway(f"http_{answer.status}")
    try:
        found = answer.json()
    except ValueError:
        raise StoreAway("answer_broken") from None
    if not isinstance(found, dict):
        raise StoreAway("answer_broken")
    return found
