"""The settings, read from the environment.

Fails at start with one message that names every wrong variable. Must not import Django.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatsvc.env.variables import ALSO, AWAITED, VARIABLES


class BadSettings(SystemExit):
    """The environment does not make sense; the text says what to do."""


def read(environ: Mapping[str, str], base_dir: Path) -> dict[str, Any]:
    """All variables, typed. Raises BadSettings naming every variable that is wrong or missing."""
    values: dict[str, Any] = {}
    complaints: list[str] = []
    complaints += [
        f"{name} is not obeyed yet: it comes with {what}. Leave it out."
        for name, what in AWAITED.items()
        if environ.get(name, "").strip()
    ]
    production = environ.get("ENVIRONMENT", "").strip() in ("production", "staging")
    for name, variable in VARIABLES.items():
        given = environ.get(name, "").strip() or environ.get(ALSO.get(name, ""), "").strip()
        text = given or variable.default
        if production and variable.needed_in_production and not text:
            complaints.append(f"{name} must be set: {variable.help}.")
            continue
        try:
            values[name] = variable.read(text)
            if variable.in_development and not production:
                values[name] += variable.read(variable.in_development)
        except (ValueError, TypeError) as error:
            complaints.append(f"{name}{_shown(name, text)}: {error}. {variable.help}.")
    complaints += [] if complaints else _signing_complaints(values) + _vector_complaints(values)
    if production and not complaints:
        from chatsvc.env.keys import weak_keys

        complaints += weak_keys(values)
    if complaints:
        raise BadSettings("The settings are not usable:\n  " + "\n  ".join(complaints) + "\nSee .env.example.")
    if not production:
        _fill_development_secrets(values, base_dir)
    return values


def _signing_complaints(values: Mapping[str, Any]) -> list[str]:
    """RS256 and ES256 sign by a pair of their kind, with the half that is ours alone."""
    algorithm, file = values["JWT_ALGORITHM"], values["JWT_KEYS_FILE"]
    if algorithm not in ("RS256", "ES256"):
        return []
    if not file:
        return [f"JWT_ALGORITHM={algorithm} signs by the first key of JWT_KEYS_FILE: name that file."]
    from tenants.access.signing.pem import keys_in

    first = keys_in(Path(file).read_text(encoding="ascii"))[0]
    if first.private is None or first.algorithm != algorithm:
        return [f"JWT_KEYS_FILE: its first key must be a private one for {algorithm}."]
    return []


def _vector_complaints(values: Mapping[str, Any]) -> list[str]:
    """A store that is named is there to be called."""
    database = values["DATABASE_URL"] or values["POSTGRESQL_URI"]
    needs = {
        "pgvector": [] if database.startswith("postgres") else ["a database of PostgreSQL in DATABASE_URL"],
        "pinecone": [name for name in ("PINECONE_URL", "PINECONE_API_KEY") if not values[name]],
    }.get(values["VECTOR_STORE"], [])
    return [f"VECTOR_STORE={values['VECTOR_STORE']} needs {' and '.join(needs)}."] if needs else []


def _shown(name: str, text: str) -> str:
    """The value beside its complaint; nothing of it where it is, or may hold, a secret."""
    secret = name.endswith(("_KEY", "_KEYS", "_TOKEN", "_PASSWORD", "_PROVIDERS")) or "@" in text
    return "" if secret else f"={text[:100]!r}"


def _fill_development_secrets(values: dict[str, Any], base_dir: Path) -> None:
    """Outside production missing secrets are made once and kept in var/, so that tokens and stored
    credentials survive a restart."""
    wanted = [name for name, variable in VARIABLES.items() if variable.needed_in_production and not values[name]]
    if not wanted:
        return
    path = base_dir / "var" / "development-secrets.json"
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [name for name in wanted if name not in kept]
    if missing:
        kept |= {name: secrets.token_urlsafe(48) for name in missing}
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps(kept))
        unfinished.chmod(0o600)
        unfinished.replace(path)
    for name in wanted:
        values[name] = VARIABLES[name].read(kept[name])
