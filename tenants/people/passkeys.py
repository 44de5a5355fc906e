"""Passkeys: WebAuthn by a kept library (https://www.w3.org/TR/webauthn-3/).

Owns what is asked of browsers and checked of their answers. A challenge counts once: the caller keeps it in the session,
and forgets it before the answer is looked at. Passkeys belong to the host of PUBLIC_URL.
"""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tenants.errors import Unprocessable
from tenants.models import SecondFactor, User
from tenants.people.second import factor_add, of
from tenants.storage.db import now

NAME = "chatsvc"
LONGEST = 20_000  # characters of an answer
#: what the library raises for answers that no browser gives: it reads JSON, CBOR and bytes at their places
MALFORMED = (
    WebAuthnException, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip


def registration(user: User) -> tuple[str, str]:
    """What the browser is asked to make, as JSON, and the challenge in it."""
    made = generate_registration_options(
        rp_id=_host(), rp_name=NAME, user_id=user.pk.bytes, user_name=user.get_username(),
        user_display_name=user.get_full_name() or user.get_username(), exclude_credentials=_known(user),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )  # fmt: skip
    return options_to_json(made), bytes_to_base64url(made.challenge)


def passkey_add(user: User, answer: str, challenge: str, name: str) -> list[str]:
    """Raises Unprocessable ``wrong_passkey``; else as `factor_add`."""
    try:
        proved = verify_registration_response(
            credential=_bounded(answer), expected_challenge=base64url_to_bytes(challenge), expected_rp_id=_host(),
            expected_origin=_origin(),
        )  # fmt: skip
    except MALFORMED as error:
        raise _wrong() from error
    secret: Any = {
        "id": bytes_to_base64url(proved.credential_id),
        "key": bytes_to_base64url(proved.credential_public_key),
    }
    return factor_add(
        SecondFactor(
            user=user, kind=SecondFactor.Kind.PASSKEY, name=name, handle=_handle(proved.credential_id), secret=secret,
            counter=proved.sign_count,
        )
    )  # fmt: skip


def authentication(user: User) -> tuple[str, str] | None:
    """What the browser is asked to prove, as JSON, and the challenge in it; None for an account without passkeys."""
    known = _known(user)
    if not known:
        return None
    asked = generate_authentication_options(rp_id=_host(), allow_credentials=known)
    return options_to_json(asked), bytes_to_base64url(asked.challenge)


def passkey_is_right(user: User, answer: str, challenge: str) -> bool:
    """Whether one of the account's passkeys has signed the challenge; a count that goes back is a copy's."""
    for row in of(user, SecondFactor.Kind.PASSKEY):
        try:
            proved = verify_authentication_response(
                credential=_bounded(answer), expected_challenge=base64url_to_bytes(challenge), expected_rp_id=_host(),
                expected_origin=_origin(), credential_public_key=base64url_to_bytes(row.secret["key"]),
                credential_current_sign_count=row.counter,
            )  # fmt: skip
        except MALFORMED:
            continue
        if _handle(proved.credential_id) != row.handle:
            continue
        same = SecondFactor.objects.filter(id=row.id, counter=row.counter)
        return bool(same.update(counter=proved.new_sign_count, last_used_at=now()))
    return False


def _known(user: User) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(id=base64url_to_bytes(row.secret["id"]))
        for row in of(user, SecondFactor.Kind.PASSKEY)
    ]


def _bounded(answer: str) -> str:
    if len(answer) > LONGEST:
        raise _wrong()
    return answer


def _host() -> str:
    return urlsplit(settings.PUBLIC_URL).hostname or "localhost"


def _origin() -> str:
    """As browsers write it: a host in small letters, and no port that is the scheme's own."""
    parts = urlsplit(settings.PUBLIC_URL)
    port = "" if parts.port in (None, {"https": 443, "http": 80}.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{_host()}{port}"


def _handle(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


def _wrong() -> Unprocessable:
    return Unprocessable("The passkey did not prove itself: try again.", code="wrong_passkey")
