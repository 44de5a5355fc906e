"""Which keys are too weak to sign or to encrypt with. Must not repeat a key, or a part of it, in what it says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import combinations
from typing import Any

#: variable → the fewest characters of each of its keys; of JWT_SECRET_KEY as many bytes as its signature has
SHORTEST = {"SECRET_KEY": 50, "JWT_SECRET_KEY": 32, "ENCRYPTION_KEYS": 32, "JWT_FORMER_SECRET_KEYS": 32}
BY_ALGORITHM = {"HS384": 48, "HS512": 64}
LEAST_SIGNS = 8  # that differ; 32 random characters of any alphabet have more
#: what examples write where a key belongs, ours in deploy/k8s among them
EXAMPLES = re.compile(
    r"change[-_ ]?(me|this)|replace[-_ ]?(me|this)|django-insecure|your[-_].*(key|secret)|placeholder", re.I
)
MAKE_ONE = "python -c 'import secrets; print(secrets.token_urlsafe(48))' makes a good one"


def weak_keys(values: Mapping[str, Any]) -> list[str]:
    """One sentence for each variable whose key does not hold; an empty one is another matter. Keys behind the first only
    open what was closed by them, until it is closed anew: of those the length alone counts."""
    least = {**SHORTEST, "JWT_SECRET_KEY": BY_ALGORITHM.get(values["JWT_ALGORITHM"], SHORTEST["JWT_SECRET_KEY"])}
    all_keys = {name: _keys(values[name]) for name in SHORTEST}
    used = {name: keys[:1] for name, keys in all_keys.items() if name != "JWT_FORMER_SECRET_KEYS"}
    found = [
        f"{name} is too short: each key needs {least[name]} characters or more."
        for name, keys in all_keys.items()
        if any(len(key) < least[name] for key in keys)
    ]
    found += [
        f"{name} can be guessed; {MAKE_ONE}."
        for name, keys in used.items()
        if any(len(key) >= least[name] and guessable(key) for key in keys)
    ]
    return found + [
        f"{name} has the key of {other}: each is for one purpose."
        for other, name in combinations(used, 2)
        if set(used[other]) & set(used[name])
    ]


def former_weak(values: Mapping[str, Any]) -> list[str]:
    """Variables with keys that are still taken and can be guessed."""
    kept = {
        "ENCRYPTION_KEYS": values["ENCRYPTION_KEYS"][1:],
        "JWT_FORMER_SECRET_KEYS": values["JWT_FORMER_SECRET_KEYS"],
    }
    return [name for name, keys in kept.items() if any(map(guessable, keys))]


def guessable(key: str) -> bool:
    """Whether its characters repeat, or an example has it; of one that is long enough."""
    return len(set(key)) < LEAST_SIGNS or bool(EXAMPLES.search(key))


def _keys(value: Any) -> list[str]:
    return [value] if isinstance(value, str) and value else list(value)
