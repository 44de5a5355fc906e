"""What an environment variable may hold: one reader per kind, from the text to the value.

A reader raises ValueError, whose words follow the variable's name. Must not know any variable, nor import Django.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ORIGIN = r"[a-z][a-z0-9+.-]*://(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:\d{1,5})?"


def flag(value: str) -> bool:
    if value.lower() in ("1", "true", "yes", "on"):
        return True
    if value.lower() in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("write true or false")


def listed(value: str) -> list[str]:
    """JSON or comma-separated."""
    if value.strip().startswith("["):
        return [str(item) for item in json.loads(value)]
    return [item.strip() for item in value.split(",") if item.strip()]


def number(least: int, most: int) -> Callable[[str], int]:
    def check(value: str) -> int:
        if not re.fullmatch(r"-?\d{1,18}", value, re.ASCII) or not least <= int(value) <= most:
            raise ValueError(f"write a whole number from {least} to {most}")
        return int(value)

    return check


def port_or_none(value: str) -> int | None:
    return number(1, 65535)(value) if value else None


def url(*schemes: str, path: bool = False, nowhere: Collection[str] = ()) -> Callable[[str], str]:
    """An address with one of ``schemes``: with a host, with a ``path`` instead, or with neither for those ``nowhere``."""

    def check(value: str) -> str:
        try:
            parts = urlsplit(value)
            there = parts.scheme in nowhere or (parts.path.strip("/") if path else parts.hostname)
            right = parts.scheme in schemes and "://" in value and there and parts.port != 0
        except ValueError:
            right = False  # a port that is no number, half a bracket; the words of the error may hold the password
        if value and (not right or re.search(r"\s", value)):
            raise ValueError(f"write {' or '.join(f'{scheme}://' for scheme in schemes)} and what belongs behind it")
        return value

    return check


def base_url(*schemes: str, user: bool = True) -> Callable[[str], str]:
    """An address that paths are put behind: without a query and a fragment, and for ``user=False`` without a name in it."""
    whole = url(*schemes)

    def check(value: str) -> str:
        if whole(value) and (re.search("[?#]", value) or (not user and "@" in value)):
            raise ValueError(f"write {'no ?, # or @' if not user else 'neither ? nor #'}: paths are put behind it")
        return value

    return check


def redis_url(value: str) -> str:
    """Its path is the number of a database: redis-py takes another one for 0."""
    if url("redis", "rediss")(value) and not re.fullmatch(r"/?\d{0,9}", urlsplit(value).path, re.ASCII):
        raise ValueError("write the number of a database behind the host, e.g. redis://localhost:6379/0")
    return value


def grpc_url(value: str) -> str:
    found = re.fullmatch(r"(?:(?:(?:grpcs?://|dns:///)?[^/\s@]+:(\d{1,5}))?)", value, re.ASCII)
    if not found or not 0 < int(found[1] or 1) < 65536:
        raise ValueError("write host:port, grpc://host:port or grpcs://host:port")
    return value


def scanner(value: str) -> str:
    """``tcp://host:port``, or the path of a socket."""
    if re.fullmatch(r"(unix:///\S+)?", value):
        return value
    if url("tcp")(value) and re.search(r"[@?#]|\w/.", value.removeprefix("tcp://")):
        raise ValueError("write tcp://host:port or unix:///path/of/the/socket")
    return value


def database_url(value: str) -> str:
    """Its scheme, and the name of the database; the rest is the driver's to judge."""
    if re.fullmatch(r"|sqlite://:memory:|sqlite:///\S.*|mongodb(\+srv)?://[^/\s]\S*", value):
        return value
    return url("postgres", "postgresql", "postgresql+asyncpg", path=True)(value)


def origins(value: str) -> list[str]:
    """As browsers write them: a scheme and a host, perhaps a port, no path."""
    for origin in listed(value):
        found = re.fullmatch(ORIGIN, origin, re.ASCII)
        if origin != "*" and not (found and 0 < int((found[2] or ":1")[1:]) < 65536):
            raise ValueError(f"{origin!r} is no origin; write https://shop.example.com, without a path or a final /")
    return listed(value)


def places(value: str) -> list[str]:
    """``host:port``, or a host with all its ports."""
    for place in listed(value):
        found = re.fullmatch(r"(?:\[[0-9A-Fa-f:]+\]|[\w.-]+)(?::(\d{1,5}))?", place, re.ASCII)
        if not found or not 0 < int(found[1] or 1) < 65536:
            raise ValueError("one of them is no host:port; write no scheme and no path")
    return [place.lower() for place in listed(value)]


def hosts(value: str) -> list[str]:
    """As browsers name them, without scheme and port; ``.example.com`` for all below it."""
    for host in listed(value):
        if host != "*" and not re.fullmatch(r"\.?[\w.-]+|\[[0-9A-Fa-f:.]+\]", host, re.ASCII):
            raise ValueError(f"{host!r} is no host; write chat.example.com, without https:// and port")
    return listed(value)


def like(pattern: str, told: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError(told)
        return value

    return check


def address(value: str) -> str:
    """What a server listens on."""
    try:
        return str(ipaddress.ip_address("127.0.0.1" if value == "localhost" else value))
    except ValueError:
        raise ValueError("write an address of this machine, e.g. 127.0.0.1, or 0.0.0.0 for all") from None


def networks(value: str) -> list[str]:
    return [str(ipaddress.ip_network(network, strict=False)) for network in listed(value)]


def file(value: str) -> str:
    if value and not _there(value, Path.is_file):
        raise ValueError("there is no such file")
    return value


def _there(value: str, asked: Callable[[Path], bool]) -> bool:
    try:
        return asked(Path(value))
    except OSError:  # longer than any path, or in a directory that is not ours to read
        return False


def llm_providers(value: str) -> Any:
    if not value.strip():
        return ()
    from assistant.llm.providers.given import given_in  # few need it

    return given_in(value)


def key_file(value: str) -> str:
    if file(value):
        from tenants.access.signing.pem import keys_in  # cryptography takes its time, and few need it

        try:
            keys_in(Path(value).read_text(encoding="ascii"))
        except OSError:
            raise ValueError("this process may not read it") from None
        except UnicodeError:
            raise ValueError("a PEM file of keys is wanted") from None
    return value


def folder(value: str) -> str:
    if value and not _there(value, Path.is_dir):
        raise ValueError("there is no such directory")
    return value


def folder_to_make(value: str) -> str:
    if (
        re.search(r"[\x00-\x1f]", value)
        or len(value) > 4000
        or _there(value, lambda path: path.exists() and not path.is_dir())
    ):
        raise ValueError("there is no directory, and none can be made")
    return value


def one_of(*choices: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in choices:
            raise ValueError(f"choose one of {', '.join(choices)}")
        return value

    return check
