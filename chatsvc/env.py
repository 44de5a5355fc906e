"""Settings from the environment: every variable, its type and its default in one place (OPS-2).

Fails at start with one message that names every wrong variable. Must not import Django.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class BadSettings(SystemExit):
    """The environment does not make sense; the text says what to do."""


def _flag(value: str) -> bool:
    if value.lower() in ("1", "true", "yes", "on"):
        return True
    if value.lower() in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("write true or false")


def _list(value: str) -> list[str]:
    """JSON or comma-separated."""
    if value.strip().startswith("["):
        return [str(item) for item in json.loads(value)]
    return [item.strip() for item in value.split(",") if item.strip()]


def _positive(value: str) -> int:
    number = int(value)
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _at_least(least: int) -> Callable[[str], int]:
    def check(value: str) -> int:
        if int(value) < least:
            raise ValueError(f"must be at least {least}")
        return int(value)

    return check


def _places(value: str) -> list[str]:
    """``host:port``, or a host with all its ports."""
    for place in _list(value):
        if not re.fullmatch(r"(\[[0-9A-Fa-f:]+\]|[\w.-]+)(:\d{1,5})?", place, re.ASCII):
            raise ValueError(f"{place!r} is no host:port; write no scheme and no path")
    return [place.lower() for place in _list(value)]


def _networks(value: str) -> list[str]:
    return [str(ipaddress.ip_network(network, strict=False)) for network in _list(value)]


def _engine_url(value: str) -> str:
    if value and not re.fullmatch(r"(grpcs?://|dns:///)?[^/\s@]+:\d{1,5}", value):
        raise ValueError("write host:port, grpc://host:port or grpcs://host:port")
    return value


def _token(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be printable ASCII without spaces")
    return value


def _file(value: str) -> str:
    if value and not Path(value).is_file():
        raise ValueError("there is no such file")
    return value


def _one_of(*choices: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in choices:
            raise ValueError(f"choose one of {', '.join(choices)}")
        return value

    return check


@dataclass(frozen=True)
class Variable:
    """One environment variable. ``needed_in_production``: no default is good enough there.
    ``in_development``: more items of a list where nothing is at stake."""

    read: Callable[[str], Any]
    default: str
    help: str
    needed_in_production: bool = False
    in_development: str = ""


VARIABLES: dict[str, Variable] = {
    "ENVIRONMENT": Variable(_one_of("development", "test", "staging", "production"), "development", "Where this runs"),
    "DEBUG": Variable(_flag, "false", "Django's debug pages; never in production"),
    "HOST": Variable(str, "127.0.0.1", "Address that `manage.py serve` listens on"),
    "PORT": Variable(_positive, "8001", "Port that `manage.py serve` listens on"),
    "PUBLIC_URL": Variable(str, "", "How the outside reaches us, e.g. https://chat.example.com (webhook addresses)"),
    "LOG_LEVEL": Variable(
        _one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), "INFO", "Least level that is logged"
    ),
    "LOG_FORMAT": Variable(_one_of("json", "console"), "json", "json for machines, console for people"),
    "SECRET_KEY": Variable(str, "", "Django's signing key, 50+ characters", True),
    "JWT_SECRET_KEY": Variable(str, "", "Signs access tokens (HS256), 32+ characters", True),
    "ENCRYPTION_KEYS": Variable(
        _list, "", "Keys for secrets at rest, 32+ characters each; the first encrypts, all decrypt", True
    ),
    "ALLOWED_HOSTS": Variable(_list, "localhost,127.0.0.1,[::1]", "Host names we answer to"),
    "CORS_ORIGINS": Variable(_list, "", "Origins whose pages may call the REST API; * for all"),
    "TRUSTED_PROXIES": Variable(_positive, "0", "Reverse proxies in front of us whose X-Forwarded-For we believe"),
    "DATABASE_URL": Variable(str, "", "sqlite:///…, postgres://… or mongodb://…; empty: var/chatsvc.sqlite3"),
    "POSTGRESQL_URI": Variable(str, "", "Same as DATABASE_URL, taken when that is empty"),
    "MONGODB_URI": Variable(str, "", "Same as DATABASE_URL, taken when both others are empty"),
    "DATABASE_POOL_SIZE": Variable(_positive, "8", "PostgreSQL connections per process"),
    "DATABASE_STATEMENT_S": Variable(
        _positive, "5", "Seconds a PostgreSQL statement may take; 0: any, as in migrations"
    ),
    "REDIS_URL": Variable(str, "", "Channel layer, cache, sessions, rate limits and Celery broker; empty: in process"),
    "KAFKA_BROKERS": Variable(_list, "", "host:port of Kafka brokers; empty: no Kafka"),
    "KAFKA_BOOTSTRAP_SERVERS": Variable(_list, "", "Same as KAFKA_BROKERS, taken when that is empty"),
    "KAFKA_TOPIC_PREFIX": Variable(str, "", "Put before every topic name, with a dot, e.g. chatbot.platform"),
    "KAFKA_TYPE_TOPICS": Variable(_flag, "true", "A topic for every event type, beside conversation.events.v1"),
    "KAFKA_LINGER_MS": Variable(_positive, "100", "Longest that events wait for others to travel with"),
    "KAFKA_SECURITY_PROTOCOL": Variable(
        _one_of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"), "PLAINTEXT", "How brokers are spoken to"
    ),
    "KAFKA_SASL_MECHANISM": Variable(
        _one_of("", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"), "", "How to log in to the brokers; empty: not at all"
    ),
    "KAFKA_USERNAME": Variable(str, "", "Name at the brokers, with KAFKA_SASL_MECHANISM"),
    "KAFKA_PASSWORD": Variable(str, "", "Its password"),
    "KAFKA_CA_FILE": Variable(str, "", "Certificates that brokers are checked against; empty: the system's"),
    "MCP_ENGINE_URL": Variable(
        _engine_url, "", "gRPC engine that answers: host:port, or grpcs://host:port; empty: the built-in assistant"
    ),
    "ENGINE_TOKEN": Variable(_token, "", "Bearer token between us and the engine; run_engine wants it from callers"),
    "ENGINE_CA_FILE": Variable(_file, "", "Certificates that a grpcs:// engine is checked against; empty: gRPC's own"),
    "ENGINE_LISTEN_PORT": Variable(_positive, "50051", "Port that `manage.py run_engine` listens on"),
    "ENGINE_THREADS": Variable(_at_least(1), "8", "Threads that answer in `manage.py run_engine`"),
    "ENGINE_TLS_CERT_FILE": Variable(_file, "", "Certificate chain of `manage.py run_engine`; empty: no TLS"),
    "ENGINE_TLS_KEY_FILE": Variable(_file, "", "Its private key"),
    "ASSISTANT_MEMORY_MB": Variable(
        _at_least(1), "256", "Memory per process for what the assistants of tenants have learnt; others are loaded anew"
    ),
    "ACCESS_TOKEN_TTL": Variable(_positive, "3600", "Seconds an access token lives"),
    "REFRESH_TOKEN_TTL": Variable(_positive, "1209600", "Seconds a refresh token lives"),
    "SESSION_TTL": Variable(_positive, "3600", "Seconds after which an idle visitor session expires"),
    "CONFIG_CACHE_TTL": Variable(_positive, "300", "Seconds a channel's configuration may be cached"),
    "CONVERSATION_IDLE_TTL": Variable(_positive, "86400", "Seconds after which an idle conversation is abandoned"),
    "REQUEST_TIMEOUT_MS": Variable(_positive, "30000", "Longest a REST request waits for its answer"),
    "ENGINE_TIMEOUT_MS": Variable(_positive, "10000", "Longest an engine may think before the fallback reply"),
    "ENABLE_RATE_LIMITING": Variable(_flag, "true", "Rate limits on the API"),
    "DEFAULT_RATE_LIMIT": Variable(_positive, "1000", "Requests a minute per tenant, user, key and address"),
    "MAX_RATE_LIMIT": Variable(
        _positive, "10000", "Most requests a minute, and at once, that a tenant's own settings can reach; 0: any"
    ),
    "BURST_LIMIT": Variable(_positive, "2000", "Requests at once before the rate applies"),
    "WEBCHAT_VISITORS_PER_ADDRESS": Variable(
        _positive, "200", "New visitors an hour who may begin to write in a web chat from one address; 0: any number"
    ),
    "DELIVERY_MAX_ATTEMPTS": Variable(_positive, "8", "Tries before a message becomes a dead letter"),
    "DELIVERY_LEASE_S": Variable(_positive, "60", "Seconds after which a silent worker's work is taken over"),
    "CHANNEL_CHECK_INTERVAL_S": Variable(_positive, "300", "Seconds between two checks of a channel; 0: none"),
    "EMAIL_URL": Variable(str, "", "How e-mail goes out, e.g. smtp://user:password@host:587; empty: none is sent"),
    "EMAIL_FROM": Variable(str, "chatsvc@localhost", "Sender of our e-mail"),
    "SWEEP_INTERVAL_S": Variable(_positive, "5", "Seconds between two looks for work whose wake-up was lost"),
    "WEB_THREADS": Variable(_positive, "8", "Requests that the web process works on at a time"),
    "WORKER_THREADS": Variable(_positive, "8", "Threads of a worker, and of the one in `manage.py serve`"),
    "MEDIA_ROOT": Variable(str, "", "Folder of files from messages; empty: var/media. Not used with S3"),
    "MEDIA_S3_BUCKET": Variable(str, "", "Bucket of files from messages, with requirements-s3.lock; empty: a folder"),
    "MEDIA_S3_ENDPOINT": Variable(str, "", "Address of an S3-compatible service; empty: Amazon's"),
    "MEDIA_S3_REGION": Variable(str, "", "Region of the bucket"),
    "MEDIA_S3_ACCESS_KEY": Variable(str, "", "Access key of the bucket; empty: the machine's own role"),
    "MEDIA_S3_SECRET_KEY": Variable(str, "", "Secret of MEDIA_S3_ACCESS_KEY"),
    "MEDIA_MAX_BYTES": Variable(_positive, "52428800", "Largest file that is kept, at most 50 MB"),
    "MEDIA_LINK_TTL": Variable(_at_least(60), "3600", "Seconds that a link to a file works for readers, at least"),
    "MEDIA_PUBLIC_LINK_TTL": Variable(
        _at_least(60), "604800", "Seconds that a link to a file works for platforms it was sent to, at least"
    ),
    "TRANSCRIBE_URL": Variable(
        str,
        "",
        "OpenAI-compatible API that puts voice messages into words, e.g. https://api.openai.com/v1; empty: none",
    ),
    "TRANSCRIBE_API_KEY": Variable(str, "", "The key of the transcriber"),
    "TRANSCRIBE_MODEL": Variable(str, "whisper-1", "The model that the transcriber uses"),
    "TRANSCRIBE_WAIT_S": Variable(_positive, "20", "Longest the bot waits for the words of a voice message"),
    "OUTBOUND_ALLOW_HOSTS": Variable(
        _places,
        "",
        "host:port (or host, with all ports) inside the private network that every tenant's channels and webhooks may "
        "call; in development the provider twin as well",
        in_development="127.0.0.1:8900,localhost:8900",
    ),
    "METRICS_TOKEN": Variable(str, "", "Bearer token that may read /metrics and /health/detailed"),
    "METRICS_ALLOW": Variable(_networks, "", "Networks that may read /metrics without the token, e.g. 10.0.0.0/8"),
    "METRICS_PORT": Variable(_positive, "0", "Port on which a worker or consumer shows its /metrics; 0: none"),
    "PROMETHEUS_MULTIPROC_DIR": Variable(
        str, "", "Empty directory that the processes of one web server share for their counters; empty: one process"
    ),
    "OTEL_EXPORTER_OTLP_ENDPOINT": Variable(str, "", "Traces; empty: none"),
}


#: variables that nothing obeys yet, by what will: refused, since a limit that is not kept is worse than none
AWAITED: dict[str, str] = {
    "SECURITY_HUB_URL": "the security hub",
    "PRIVACY_ENABLED": "privacy requests",
    "MESSAGE_RETENTION_DAYS": "retention",
    "MAX_MESSAGES_PER_THREAD": "threads",
}


def read(environ: Mapping[str, str], base_dir: Path) -> dict[str, Any]:
    """All variables, typed. Raises BadSettings naming every variable that is wrong or missing."""
    values: dict[str, Any] = {}
    complaints: list[str] = []
    complaints += [
        f"{name} is not obeyed yet: it comes with {what}. Leave it out."
        for name, what in AWAITED.items()
        if environ.get(name, "").strip()
    ]
    production = environ.get("ENVIRONMENT") in ("production", "staging")
    for name, variable in VARIABLES.items():
        text = environ.get(name, "").strip() or variable.default
        if production and variable.needed_in_production and not text:
            complaints.append(f"{name} must be set: {variable.help}.")
            continue
        try:
            values[name] = variable.read(text)
            if variable.in_development and not production:
                values[name] += variable.read(variable.in_development)
        except (ValueError, TypeError) as error:
            complaints.append(f"{name}={text!r}: {error}. {variable.help}.")
    if production and not complaints:
        complaints += [
            f"{name} is too short: {VARIABLES[name].help}."
            for name, least in (("SECRET_KEY", 50), ("JWT_SECRET_KEY", 32))
            if len(values[name]) < least
        ]
        if any(len(key) < 32 for key in values["ENCRYPTION_KEYS"]):
            complaints.append("ENCRYPTION_KEYS: each key needs 32 characters or more.")
    if complaints:
        raise BadSettings("The settings are not usable:\n  " + "\n  ".join(complaints) + "\nSee .env.example.")
    if not production:
        _fill_development_secrets(values, base_dir)
    return values


def example() -> str:
    """The text of .env.example: every variable with its help, commented out at its default."""
    lines = [
        "# Settings of the service. Copy to .env and change what you need; every line is optional",
        "# outside production. Written by: python chatsvc/env.py > .env.example",
        "",
    ]
    for name, variable in VARIABLES.items():
        needed = " Needed in production." if variable.needed_in_production else ""
        lines += [f"# {variable.help}.{needed}", f"#{name}={variable.default}", ""]
    return "\n".join(lines)


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


if __name__ == "__main__":
    sys.stdout.write(example())
