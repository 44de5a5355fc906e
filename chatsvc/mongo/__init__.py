"""What Django's settings look like on MongoDB: its engine, keys and the contributed apps' migrations.

Imported by the settings, so it must not touch models. The SQL engines need nothing of this package.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from chatsvc.env import BadSettings

ENGINE = "django_mongodb_backend"
AUTO_FIELD = "django_mongodb_backend.fields.ObjectIdAutoField"

#: Django's own apps count their rows in integers, which MongoDB has no counter for: the same apps with its keys
CONFIGS = {
    "chatsvc.web.console.Config": "chatsvc.mongo.apps.Admin",
    "django.contrib.auth": "chatsvc.mongo.apps.Auth",
    "django.contrib.contenttypes": "chatsvc.mongo.apps.Contenttypes",
}
MIGRATION_MODULES = {app: f"chatsvc.mongo.migrations.{app}" for app in ("admin", "auth", "contenttypes")}


def database(url: str, most: int = 100) -> dict[str, Any]:
    """The connection for ``mongodb://…`` or ``mongodb+srv://…``, with at most so many sockets. Raises BadSettings without the engine's package."""
    if find_spec(ENGINE) is None:
        raise BadSettings(
            "DATABASE_URL names MongoDB, whose Django engine is not installed.\n"
            "Try: pip install -r requirements-mongodb.lock"
        )
    # Seconds, not the driver's half a minute, until a request learns that the server is away.
    defaults = {"serverSelectionTimeoutMS": 5000, "maxPoolSize": most}
    options = {name: value for name, value in defaults.items() if f"{name.lower()}=" not in url.lower()}
    return {"ENGINE": ENGINE, "HOST": url, "NAME": urlsplit(url).path.strip("/") or "chatsvc", "OPTIONS": options}


def installed_apps(apps: Iterable[str]) -> list[str]:
    """``apps`` as MongoDB needs them."""
    return [*(CONFIGS.get(app, app) for app in apps), ENGINE]
