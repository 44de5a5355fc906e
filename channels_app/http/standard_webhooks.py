"""Signatures as Standard Webhooks defines them, for requests that come in and that go out.

Owns headers, secrets and tolerance. Must not know what the signed bytes say, nor send them.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence

TOLERANCE_S = 300
MAX_SIGNATURES = 16  # a sender that rotates its secret sends two; one that sends hundreds wants to keep us busy


def key_of(secret: str) -> bytes:
    """The key of a secret ``whsec_<base64>``, 24 to 64 bytes. Raises ValueError for anything else."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_").encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        key = b""
    if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise ValueError("a secret is whsec_ followed by 24 to 64 bytes in base64")
    return key


def headers_for(webhook_id: str, at: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The three headers of a request; ``at`` in Unix seconds. One signature per secret: while a secret is
    being replaced, a receiver that knows the old or the new one can verify."""
    signatures = [_signature(secret, webhook_id, str(at), body) for secret in secrets]
    return {"webhook-id": webhook_id, "webhook-timestamp": str(at), "webhook-signature": " ".join(signatures)}


def complaint(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> str:
    """Why a request (lower-case header names) is not genuine, or "" when it is. Constant in time."""
    webhook_id, timestamp, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (webhook_id and timestamp and given):
        return "webhook-id, webhook-timestamp or webhook-signature is missing"
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return "webhook-timestamp is not a Unix time in seconds"
    if abs(now - int(timestamp)) > TOLERANCE_S:
        return f"webhook-timestamp is more than {TOLERANCE_S} seconds away"
    expected = [_signature(secret, webhook_id, timestamp, body).encode() for secret in secrets]
    offered = [one.encode("utf-8", "surrogatepass") for one in given.split()[:MAX_SIGNATURES]]
    matches = [hmac.compare_digest(one, other) for one in offered for other in expected]
    return "" if any(matches) else "webhook-signature does not match the body"


def _signature(secret: str, webhook_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{webhook_id}.{timestamp}.".encode("utf-8", "surrogatepass") + body
    return "v1," + base64.b64encode(hmac.digest(key_of(secret), signed, "sha256")).decode("ascii")
