"""The app's access tokens: asked for with the client secret, remembered in the process.

Owns the memory. Must not give a token to a channel whose secret did not buy it: the secret is part of
the key, so that naming another tenant's app id is of no use.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, field, replace

from channels_app.adapters.base import raise_for_status
from channels_app.adapters.teams.config import TeamsConfig
from channels_app.adapters.wire import array, string
from channels_app.contract import ConfigError, Http, HttpAnswer, OutcomeUnknown, Unreachable

MARGIN_S = 300  # a token is renewed so long before it expires


@dataclass(frozen=True)
class Token:
    value: str = field(repr=False)
    lifetime_s: int
    until: float  # monotonic time up to which it is used
    remembered: bool = False


@dataclass
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    token: Token | None = None


_slots: dict[tuple[str, ...], _Slot] = {}


def token_for(config: TeamsConfig, http: Http) -> Token:
    """A remembered token while it lasts, else a new one; one thread asks, the others wait for it.
    Raises like ``fresh_token``."""
    slot = _slots.setdefault(_key(config), _Slot())
    with slot.lock:
        if slot.token and slot.token.until > time.monotonic():
            return replace(slot.token, remembered=True)
        slot.token = fresh_token(config, http)
        return slot.token


def token_forget(config: TeamsConfig, token: Token) -> None:
    """The platform refused ``token``: the next call asks for a new one, unless another thread has already."""
    slot = _slots.get(_key(config))
    if slot is None:
        return
    with slot.lock:
        if slot.token and slot.token.value == token.value:
            slot.token = None


def tokens_forget() -> None:
    """Forget every token."""
    _slots.clear()


def fresh_token(config: TeamsConfig, http: Http) -> Token:
    """Ask for a token. Raises ConfigError when the platform refuses the credentials, Throttled, and
    Unreachable for everything that passes: no message was sent yet."""
    form = {
        "grant_type": "client_credentials",
        "client_id": config.app_id,
        "client_secret": config.client_secret,
        "scope": config.login_scope,
    }
    try:
        answer = http.request("POST", config.token_url, data=form)
        _raise_refusal(answer)
    except OutcomeUnknown as error:
        raise Unreachable(error.code, "no answer to the request for a token", status=error.status) from error
    value, lifetime = string(answer.json(), "access_token"), _seconds(string(answer.json(), "expires_in"))
    if not value:
        raise Unreachable("no_token", "the answer to the request for a token holds none", status=answer.status)
    return Token(value, lifetime, time.monotonic() + lifetime - MARGIN_S)


def _raise_refusal(answer: HttpAnswer) -> None:
    """Of a 4xx the AADSTS number tells what is wrong: 7000215 wrong secret, 7000222 expired secret,
    700016 no such app in the directory."""
    body = answer.json()
    numbers = [string(number, limit=20) for number in array(body, "error_codes")]
    code = f"AADSTS{numbers[0]}" if numbers and numbers[0].isdigit() else string(body, "error", limit=60)
    detail = string(body, "error_description").partition("\n")[0].partition(" Trace ID")[0]
    if 400 <= answer.status < 500 and answer.status not in (408, 429):
        raise ConfigError(code or f"token_{answer.status}", detail, status=answer.status)
    raise_for_status(answer, code, detail)


def _seconds(written: str) -> int:
    return min(int(written), 86_400) if written.isascii() and written.isdigit() and len(written) < 10 else 0


def _key(config: TeamsConfig) -> tuple[str, ...]:
    bought_with = hashlib.sha256(config.client_secret.encode()).hexdigest()
    return (config.token_url, config.app_id, config.login_scope, bought_with)
