"""Whether a request comes from Twilio: X-Twilio-Signature.

Owns the check. Must not know the configuration, nor which parameters there are: new ones come without notice.
https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from channels_app.adapters.base import constant_time_equal, require
from channels_app.contract import RawRequest

FORM = "application/x-www-form-urlencoded"
PORTS = {"https": 443, "http": 80}


def verify(raw: RawRequest, token: str, address: str) -> None:
    """Raises BadSignature unless the account with ``token`` signed this request to this address."""
    if raw.method == "POST" and raw.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        digest = hashlib.sha256(raw.body).hexdigest()
        require(constant_time_equal(raw.query.get("bodySHA256", ""), digest), "bodySHA256 does not match the body")
        said = b""
    else:
        said = _spelled(raw.body)
    given = raw.headers.get("x-twilio-signature", "")
    signed = [_signature(token, address, said) for address in _with_and_without_port(address)]
    fits = [constant_time_equal(given, one) for one in signed]  # both, so that time tells nothing
    require(any(fits), "X-Twilio-Signature does not match the request")


def _spelled(body: bytes) -> bytes:
    """The parameters as they are signed: by name, each different value once. Byte by byte, for a text may end in the middle
    of a sign."""
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return "".join(name + value for name, value in sorted(set(pairs))).encode("latin-1")


def _signature(token: str, address: str, said: bytes) -> str:
    digest = hmac.new(token.encode(), address.encode("utf-8", "surrogatepass") + said, hashlib.sha1).digest()
    return base64.b64encode(digest).decode("ascii")


def _with_and_without_port(url: str) -> tuple[str, str]:
    """Twilio is not consistent about the port, so each of the two may be the one it signed."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return url, url
    host = parts.netloc.rpartition(":")[0] if parts.port else parts.netloc
    return (
        urlunsplit(parts._replace(netloc=host)),
        urlunsplit(parts._replace(netloc=f"{host}:{port}")),
    )
