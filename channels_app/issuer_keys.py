"""What the app below asks of the outside: what stands at the address of an issuer's keys (settings.ISSUER_KEYS_FETCH), by the
guarded client, and whether an address would be called (settings.ADDRESS_CHECK). Must not read what it gets."""

from __future__ import annotations

from django.conf import settings

from channels_app.contract import SendError
from channels_app.http.addresses import BadAddress, address_check
from channels_app.http.client import HttpClient
from channels_app.http.waiting import asking
from channels_app.services import outbound_hosts
from tenants.errors import Unavailable, Unprocessable

MOST_BYTES = 64 * 1024
AWAY = (408, 429)  # it may be another time
CONNECT_S, READ_S, TOTAL_S = 2.0, 3.0, 5.0


def issuer_keys(url: str) -> bytes:
    """The body of a 200. Redirects are not followed. Raises Unavailable ``issuer_away``, Unprocessable
    ``issuer_keys_unusable`` for an address that is not called, or that answers something else."""
    if refusal := address_refusal(url):
        raise _unusable(refusal[1])
    client = HttpClient(
        allow_hosts=outbound_hosts(), connect_s=CONNECT_S, read_s=READ_S, total_s=TOTAL_S, max_bytes=MOST_BYTES
    )
    try:
        answer = client.request("GET", url, headers={"accept": "application/json"})
    except SendError as error:
        if error.code == "answer_too_large":
            raise _unusable(f"There are more than {MOST_BYTES // 1024} kB at this address.") from error
        raise _away() from error
    if answer.status in AWAY or answer.status >= 500:
        raise _away()
    if answer.status != 200:
        raise _unusable(f"This address answers {answer.status}, not 200 with a set of keys.")
    return answer.body


def address_refusal(url: str) -> tuple[str, str] | None:
    """Why an address that a tenant enters would not be called: code and words. Raises TooMany ``busy``: names are looked up."""
    try:
        with asking():
            address_check(url, allowed=outbound_hosts(), https=not settings.DEBUG)
    except BadAddress as error:
        return error.code, str(error)
    return None


def _unusable(message: str) -> Unprocessable:
    return Unprocessable(message, code="issuer_keys_unusable")


def _away() -> Unavailable:
    return Unavailable("The issuer's keys cannot be had at the moment.", code="issuer_away", retry_after=60)
