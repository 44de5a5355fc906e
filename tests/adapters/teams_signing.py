"""The platform's side of a proof: its key pair, the tokens it signs and the keys it publishes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa

from channels_app.adapters.teams import keys as keys_module
from channels_app.adapters.teams import tokens as tokens_module
from channels_app.contract import RawRequest
from tests.adapters.kit import RecordingHttp, answer

OPENID = "https://login.botframework.example/v1/.well-known/openidconfiguration"
KEYS = "https://login.botframework.example/v1/.well-known/keys"
ISSUER = "https://api.botframework.com"
SERVICE_URL = "https://smba.trafficmanager.net/emea/11111111-2222-3333-4444-555555555555/"


@cache
def key_pair(kid="key-1"):
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(kid="key-1", **more):
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key_pair(kid).public_key(), as_dict=True)
    return {**public, "use": "sig", "kid": kid, "endorsements": ["msteams", "skype"], **more}


def keys(*published):
    """Replies to the two calls that fetch the keys."""
    return [answer({"issuer": ISSUER, "jwks_uri": KEYS}), answer({"keys": list(published) or [jwk()]})]


def published():
    metadata, key_set = keys()
    return RecordingHttp([], aside={OPENID: metadata, KEYS: key_set})


def claims(config, **changes):
    """A token's claims; a change to None leaves the claim out."""
    now = int(time.time())
    plain = {"iss": ISSUER, "aud": config.app_id, "nbf": now - 10, "exp": now + 3600, "serviceurl": SERVICE_URL}
    return {name: value for name, value in {**plain, **changes}.items() if value is not None}


def bearer(said, kid="key-1", algorithm="RS256", key=None, **headers):
    token = jwt.encode(said, key or key_pair(kid), algorithm=algorithm, headers={"kid": kid, **headers})
    return f"Bearer {token}"


def service_url_in(body):
    """Where the activity in ``body`` says it comes from; the usual address when it says nothing."""
    try:
        found = json.loads(body)["serviceUrl"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return SERVICE_URL
    return found if isinstance(found, str) else SERVICE_URL


def sign(raw: RawRequest, config) -> RawRequest:
    proof = bearer(claims(config, serviceurl=service_url_in(raw.body)))
    return replace(raw, headers={**raw.headers, "authorization": proof})


class Clocks:
    """The system's clock and the one that nothing sets."""

    def __init__(self, traveller: Any):
        self._traveller, self.steady = traveller, 1000.0

    def shift(self, seconds: float) -> None:
        self.steady += seconds
        self._traveller.shift(seconds)

    def set_back(self, seconds: float) -> None:
        self._traveller.shift(-seconds)


@contextmanager
def stopped_clocks(at: Any) -> Iterator[Clocks]:
    """Time goes by when it is told to."""
    with time_machine.travel(at, tick=False) as traveller, pytest.MonkeyPatch.context() as patch:
        clocks = Clocks(traveller)
        for module in (keys_module, tokens_module):
            patch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clocks.steady))
        yield clocks
