"""Calls to a platform by which a message is sent: none begins unless the message is its worker's for longer than the call
may take, for another worker sends what it finds free.

Owns that, and what has changed about a message between its lease and its send. Must not send.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings

from channels_app.contract import Http, HttpAnswer
from channels_app.http.client import DOWNLOAD_S, TOTAL_S
from messaging.models import Delivery
from tenants.storage import prepared
from tenants.storage.db import now
from tenants.work.leases import LeaseLost, held_now, lease_longer

MARGIN_S = 2.0  # between the check and the call, and from the answer until it is written
FRESH_S = 1.0  # after its lease began a message is read anew before it is sent
OWN = prepared.Select(
    Delivery,
    lambda rows, id, claim: rows.filter(id=id, claim=claim, status__in=Delivery.UNFINISHED).select_related(
        "message__identity", "conversation"
    ),
)


class WhileLeased:
    """An Http for the calls that send ``delivery``. Each raises LeaseLost where another worker has the message by now, or
    its tenant is held."""

    def __init__(self, http: Http, delivery: Delivery):
        self._http, self._delivery = http, delivery

    def request(self, method: str, url: str, **parts: Any) -> HttpAnswer:
        self._hold(TOTAL_S)
        return self._http.request(method, url, **parts)

    def fetch(self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int) -> HttpAnswer:
        self._hold(DOWNLOAD_S)
        return self._http.fetch(url, headers=headers, max_bytes=max_bytes)

    def _hold(self, call_s: float) -> None:
        if held_now():
            raise LeaseLost
        longest = timedelta(seconds=call_s + MARGIN_S)
        if self._delivery.due_at >= now() + longest:
            return
        if not lease_longer(self._delivery, max(longest, _lease())):
            raise LeaseLost


def seen_anew(delivery: Delivery) -> None:
    """Where the message has waited since its worker leased it, behind others of a slow platform: take in what became of
    it and its person meanwhile. Raises LeaseLost as above."""
    leased_at = delivery.due_at - _lease()
    if now() <= leased_at + timedelta(seconds=FRESH_S):
        return
    found: Delivery | None = OWN.first(id=delivery.id, claim=delivery.claim)
    if found is None:
        raise LeaseLost
    for name in ("message", "conversation", "parts_sent", "parts_again"):
        setattr(delivery, name, getattr(found, name))


def _lease() -> timedelta:
    return timedelta(seconds=settings.ENV["DELIVERY_LEASE_S"])
