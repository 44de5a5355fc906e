"""Secrets at rest: encrypted with rotating keys (TEN-7), masked for people.

Owns the keyring and EncryptedJSONField. Must not decide which fields are secret.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


@lru_cache(maxsize=4)
def _keyring(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise ImproperlyConfigured("ENCRYPTION_KEYS is empty")
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys])


def keyring() -> MultiFernet:
    """The first key of ENCRYPTION_KEYS encrypts, all of them decrypt."""
    return _keyring(tuple(settings.ENCRYPTION_KEYS))


def encrypt(value: Any) -> str:
    """JSON-safe value → text token."""
    return keyring().encrypt(json.dumps(value).encode()).decode()


def decrypt(token: str) -> Any:
    """Raises cryptography.fernet.InvalidToken when no known key fits."""
    return json.loads(keyring().decrypt(token.encode()))


def rotated(token: str) -> str:
    """The same value under the newest key."""
    return keyring().rotate(token.encode()).decode()


def is_newest(token: str) -> bool:
    """Whether the first key of ENCRYPTION_KEYS opens it."""
    try:
        _keyring((settings.ENCRYPTION_KEYS[0],)).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


class Stored(str):
    """What an EncryptedJSONField holds as it lies in the database: compared and stored as it is."""


def mask(secret: str) -> str:
    """What people see of a secret: enough to recognise it, not enough to use it."""
    return f"••••{secret[-4:]}" if len(secret) >= 12 else "••••" if secret else ""


class EncryptedJSONField(models.TextField):
    """A JSON value that lies encrypted in the database and cannot be searched."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return None if value is None else {} if value == "" else decrypt(value)

    def get_prep_value(self, value: Any) -> str | None:
        return value if value is None or isinstance(value, Stored) else encrypt(value)

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        return encrypt(self.value_from_object(obj))
