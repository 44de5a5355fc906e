"""What may be called, said early: the check of an address before it is stored.

Owns the rules that the guard of every call (channels_app/http/network.py) holds to. Must not call anything.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from channels_app.contract import Unreachable
from channels_app.http.client import PORTS, authority, listed
from channels_app.http.network import is_public, resolve


class BadAddress(ValueError):
    """An address that would not be called. ``code``: invalid_url, url_not_https or url_not_public."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def address_check(url: str, *, allowed: frozenset[str], https: bool) -> None:
    """Raise BadAddress unless ``url`` lies on the public internet, or its ``host:port`` or host is ``allowed``.

    ``https``: http is refused, save for what is allowed. A name that cannot be resolved here and now
    passes: it may be set up afterwards, and the guard looks again at every call.
    """
    try:
        parts, place = urlsplit(url), authority(url)
        port = parts.port or PORTS.get(parts.scheme, 0)  # raises ValueError beyond 65535
    except ValueError:
        place = ""
    unwritable = " " in url or not url.isprintable()  # it would be called escaped, and be shown as something else
    if not place or unwritable or "@" in parts.netloc or parts.fragment:
        raise BadAddress(
            "invalid_url",
            "Give an http(s) address without user name, password, fragment, blanks and unseen characters.",
        )
    if listed(place, allowed):
        return
    if https and parts.scheme != "https":
        raise BadAddress("url_not_https", "Only https addresses are called.")
    try:
        addresses = resolve(str(parts.hostname), port)
    except Unreachable:
        return
    if not any(is_public(address) for address in addresses):
        raise BadAddress("url_not_public", "The address is not on the public internet.")
