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
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


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


def _number(least: int, most: int) -> Callable[[str], int]:
    def check(value: str) -> int:
        if not re.fullmatch(r"-?\d{1,18}", value, re.ASCII) or not least <= int(value) <= most:
            raise ValueError(f"write a whole number from {least} to {most}")
        return int(value)

    return check


def _port_or_none(value: str) -> int | None:
    return _number(1, 65535)(value) if value else None


def _url(*schemes: str, path: bool = False, nowhere: Collection[str] = ()) -> Callable[[str], str]:
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


def _scanner(value: str) -> str:
    """``tcp://host:port``, or the path of a socket."""
    if re.fullmatch(r"(unix:///\S+)?", value):
        return value
    if _url("tcp")(value) and re.search(r"[@?#]|\w/.", value.removeprefix("tcp://")):
        raise ValueError("write tcp://host:port or unix:///path/of/the/socket")
    return value


def _database_url(value: str) -> str:
    """Its scheme, and the name of the database; the rest is the driver's to judge."""
    if re.fullmatch(r"|sqlite://:memory:|sqlite:///\S.*|mongodb(\+srv)?://[^/\s]\S*", value):
        return value
    return _url("postgres", "postgresql", "postgresql+asyncpg", path=True)(value)


def _origins(value: str) -> list[str]:
    """As browsers write them: a scheme and a host, perhaps a port, no path."""
    for origin in _list(value):
        if origin != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\s?#@]+", origin):
            raise ValueError(f"{origin!r} is no origin; write https://shop.example.com, without a path or a final /")
    return _list(value)


def _places(value: str) -> list[str]:
    """``host:port``, or a host with all its ports."""
    for place in _list(value):
        found = re.fullmatch(r"(?:\[[0-9A-Fa-f:]+\]|[\w.-]+)(?::(\d{1,5}))?", place, re.ASCII)
        if not found or not 0 < int(found[1] or 1) < 65536:
            raise ValueError("one of them is no host:port; write no scheme and no path")
    return [place.lower() for place in _list(value)]


def _hosts(value: str) -> list[str]:
    """As browsers name them, without scheme and port; ``.example.com`` for all below it."""
    for host in _list(value):
        if host != "*" and not re.fullmatch(r"\.?[\w.-]+|\[[0-9A-Fa-f:.]+\]", host):
            raise ValueError(f"{host!r} is no host; write chat.example.com, without https:// and port")
    return _list(value)


def _like(pattern: str, told: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError(told)
        return value

    return check


def _networks(value: str) -> list[str]:
    return [str(ipaddress.ip_network(network, strict=False)) for network in _list(value)]


def _file(value: str) -> str:
    if value and not Path(value).is_file():
        raise ValueError("there is no such file")
    return value


def _llm_providers(value: str) -> Any:
    if not value.strip():
        return ()
    from assistant.llm.providers.given import given_in  # few need it

    return given_in(value)


def _key_file(value: str) -> str:
    if _file(value):
        from tenants.access.signing.pem import keys_in  # cryptography takes its time, and few need it

        try:
            keys_in(Path(value).read_text(encoding="ascii"))
        except OSError:
            raise ValueError("this process may not read it") from None
        except UnicodeError:
            raise ValueError("a PEM file of keys is wanted") from None
    return value


def _folder(value: str) -> str:
    if value and not Path(value).is_dir():
        raise ValueError("there is no such directory")
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


DAY_S, YEAR_S, BILLION = 86_400, 31_536_000, 1_000_000_000
GRPC = r"((grpcs?://|dns:///)?[^/\s@]+:\d{1,5})?"
MAIL = ("smtp", "smtp+tls", "smtp+ssl", "smtps", "consolemail", "filemail", "memorymail", "dummymail")

VARIABLES: dict[str, Variable] = {
    "ENVIRONMENT": Variable(_one_of("development", "test", "staging", "production"), "development", "Where this runs"),
    "DEBUG": Variable(_flag, "false", "Django's debug pages; never in production"),
    "HOST": Variable(str, "127.0.0.1", "Address that `manage.py serve` listens on"),
    "PORT": Variable(_number(1, 65535), "8001", "Port that `manage.py serve` listens on"),
    "SERVICE_PORT": Variable(_port_or_none, "", "Same as PORT, taken when that is empty"),
    "SERVICE_NAME": Variable(
        _like(r"[A-Za-z0-9][\w.-]{0,62}", "write letters, digits, dots, - and _"),
        "chatsvc",
        "What this deployment is called in /info, in traces and, where it is another name, in log lines",
    ),
    "PUBLIC_URL": Variable(
        _url("https", "http"), "", "How the outside reaches us, e.g. https://chat.example.com (webhook addresses)"
    ),
    "DEMO_TWIN": Variable(
        _one_of("auto", "on", "off"),
        "auto",
        "Whether `manage.py serve` plays the platforms of the demo tenant's channels on 127.0.0.1:8900; auto: in development",
    ),
    "LOG_LEVEL": Variable(
        _one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
        "INFO",
        "Least level that is logged; DEBUG tells of each step, libraries stay at INFO",
    ),
    "LOG_FORMAT": Variable(_one_of("json", "console"), "json", "json for machines, console for people"),
    "SECRET_KEY": Variable(str, "", "Django's signing key, 50+ characters", True),
    "JWT_SECRET_KEY": Variable(str, "", "Signs access tokens, 32+ characters (48 with HS384, 64 with HS512)", True),
    "JWT_ALGORITHM": Variable(
        _one_of("HS256", "HS384", "HS512", "RS256", "ES256"),
        "HS256",
        "How tokens are signed: HS… by JWT_SECRET_KEY, RS256 and ES256 by the first key of JWT_KEYS_FILE",
    ),
    "JWT_KEYS_FILE": Variable(
        _key_file,
        "",
        "PEM file of RSA or P-256 keys: the first signs with RS256 or ES256, all are taken and published",
    ),
    "PDF_FONTS": Variable(
        _folder, "", "Folder of more fonts (TrueType, OpenType) for conversations as PDF; empty: those that come along"
    ),
    "JWT_FORMER_SECRET_KEYS": Variable(
        _list, "", "Secrets that tokens which are out were signed by: still taken, until they have expired"
    ),
    "ENCRYPTION_KEYS": Variable(
        _list, "", "Keys for secrets at rest, 32+ characters each; the first encrypts, all decrypt", True
    ),
    "ALLOWED_HOSTS": Variable(_hosts, "localhost,127.0.0.1,[::1]", "Host names we answer to"),
    "CORS_ORIGINS": Variable(_origins, "", "Origins whose pages may call the REST API; * for all"),
    "TRUSTED_PROXIES": Variable(_number(0, 20), "0", "Reverse proxies in front of us whose X-Forwarded-For we believe"),
    "DATABASE_URL": Variable(_database_url, "", "sqlite:///…, postgres://… or mongodb://…; empty: var/chatsvc.sqlite3"),
    "POSTGRESQL_URI": Variable(_database_url, "", "Same as DATABASE_URL, taken when that is empty"),
    "MONGODB_URI": Variable(_database_url, "", "Same as DATABASE_URL, taken when both others are empty"),
    "DATABASE_POOL_SIZE": Variable(_number(1, 1000), "8", "PostgreSQL connections per process"),
    "DATABASE_STATEMENT_S": Variable(
        _number(0, DAY_S), "5", "Seconds a PostgreSQL statement may take; 0: any, as in migrations"
    ),
    "DATABASE_PREPARE": Variable(
        _flag, "true", "PostgreSQL keeps the plans of frequent statements; false behind PgBouncer in transaction mode"
    ),
    "REDIS_URL": Variable(
        _url("redis", "rediss"), "", "Channel layer, cache, sessions, rate limits and Celery broker; empty: in process"
    ),
    "MAX_CONNECTIONS_MONGO": Variable(
        _number(1, 10_000), "100", "MongoDB connections per process, unless its URL says"
    ),
    "MAX_CONNECTIONS_REDIS": Variable(
        _number(10, 10_000), "50", "Redis connections per process, of the cache, the rate limits and the broker each"
    ),
    "KAFKA_BROKERS": Variable(_places, "", "host:port of Kafka brokers; empty: no Kafka"),
    "KAFKA_BOOTSTRAP_SERVERS": Variable(_places, "", "Same as KAFKA_BROKERS, taken when that is empty"),
    "KAFKA_TOPIC_PREFIX": Variable(
        _like(r"[\w.-]{0,100}", "write letters, digits, dots, - and _"),
        "",
        "Put before every topic name, with a dot, e.g. chatbot.platform",
    ),
    "KAFKA_TYPE_TOPICS": Variable(_flag, "true", "A topic for every event type, beside conversation.events.v1"),
    "KAFKA_LINGER_MS": Variable(_number(0, 60_000), "100", "Longest that events wait for others to travel with"),
    "KAFKA_SECURITY_PROTOCOL": Variable(
        _one_of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"), "PLAINTEXT", "How brokers are spoken to"
    ),
    "KAFKA_SASL_MECHANISM": Variable(
        _one_of("", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"), "", "How to log in to the brokers; empty: not at all"
    ),
    "KAFKA_USERNAME": Variable(str, "", "Name at the brokers, with KAFKA_SASL_MECHANISM"),
    "KAFKA_PASSWORD": Variable(str, "", "Its password"),
    "KAFKA_CA_FILE": Variable(_file, "", "Certificates that brokers are checked against; empty: the system's"),
    "MCP_ENGINE_URL": Variable(
        _like(GRPC, "write host:port, grpc://host:port or grpcs://host:port"),
        "",
        "gRPC engine that answers: host:port, or grpcs://host:port; empty: the built-in assistant",
    ),
    "ENGINE_TOKEN": Variable(
        _like(r"[!-~]*", "must be printable ASCII without spaces"),
        "",
        "Bearer token between us and the engine; run_engine wants it from callers",
    ),
    "ENGINE_CA_FILE": Variable(_file, "", "Certificates that a grpcs:// engine is checked against; empty: gRPC's own"),
    "ENGINE_LISTEN_PORT": Variable(_number(1, 65535), "50051", "Port that `manage.py run_engine` listens on"),
    "ENGINE_THREADS": Variable(_number(1, 1000), "8", "Threads that answer in `manage.py run_engine`"),
    "ENGINE_TLS_CERT_FILE": Variable(_file, "", "Certificate chain of `manage.py run_engine`; empty: no TLS"),
    "ENGINE_TLS_KEY_FILE": Variable(_file, "", "Its private key"),
    "ENGINE_PORT_LISTEN_PORT": Variable(_number(1, 65535), "50053", "Port that `manage.py run_engine_port` listens on"),
    "ENGINE_PORT_THREADS": Variable(_number(1, 1000), "8", "Threads that answer in `manage.py run_engine_port`"),
    "ENGINE_PORT_TLS_CERT_FILE": Variable(_file, "", "Certificate chain of `manage.py run_engine_port`; empty: no TLS"),
    "ENGINE_PORT_TLS_KEY_FILE": Variable(_file, "", "Its private key"),
    "ASSISTANT_MEMORY_MB": Variable(
        _number(1, 1_000_000),
        "256",
        "Memory per process for what the assistants of tenants have learnt; others are loaded anew",
    ),
    "ASSISTANT_MEANING": Variable(
        _flag,
        "true",
        "The built-in assistant recognises intents by what words mean, too: 150 MB in each process that answers",
    ),
    "VECTOR_STORE": Variable(
        _one_of("embedded", "pgvector", "qdrant", "pinecone"),
        "embedded",
        "Where texts are kept as vectors: our database, by PostgreSQL's extension pgvector, Qdrant or Pinecone",
    ),
    "QDRANT_URL": Variable(_url("http", "https"), "http://localhost:6333", "Of VECTOR_STORE=qdrant"),
    "QDRANT_API_KEY": Variable(str, "", "Its key, if it wants one"),
    "PINECONE_URL": Variable(
        _url("https", "http"), "", "Of VECTOR_STORE=pinecone: the address of an index of 512 dimensions, metric cosine"
    ),
    "PINECONE_API_KEY": Variable(str, "", "The key of that index"),
    "VECTORS_OF_MESSAGES": Variable(
        _flag,
        "true",
        "What people and staff write is found by what it means, too: 1 KB of the database a message. Needs ASSISTANT_MEANING",
    ),
    "LLM_PROVIDERS": Variable(
        _llm_providers,
        "",
        "Language models for tenants without own keys: a JSON list of providers, see docs/llm.md; holds keys",
    ),
    "RESPONSE_CACHE_TTL": Variable(
        _number(0, DAY_S),
        "0",
        "Seconds in which a language model's answer to a person's question is given again to the same; 0: none",
    ),
    "SECURITY_HUB_URL": Variable(
        _like(GRPC, "write host:port, grpc://host:port or grpcs://host:port"),
        "",
        "gRPC service that judges tokens: host:port, or grpcs://host:port; empty: this service does",
    ),
    "SECURITY_HUB_TOKEN": Variable(
        _like(r"[!-~]*", "must be printable ASCII without spaces"),
        "",
        "Bearer token between us and the security hub; run_security_hub wants it from callers",
    ),
    "SECURITY_HUB_CA_FILE": Variable(
        _file, "", "Certificates that a grpcs:// hub is checked against; empty: gRPC's own"
    ),
    "SECURITY_HUB_TIMEOUT_MS": Variable(_number(1, 30_000), "2000", "Longest a request waits for the security hub"),
    "SECURITY_HUB_LISTEN_PORT": Variable(
        _number(1, 65535), "50052", "Port that `manage.py run_security_hub` listens on"
    ),
    "SECURITY_HUB_THREADS": Variable(_number(1, 1000), "8", "Threads that answer in `manage.py run_security_hub`"),
    "SECURITY_HUB_TLS_CERT_FILE": Variable(
        _file, "", "Certificate chain of `manage.py run_security_hub`; empty: no TLS"
    ),
    "SECURITY_HUB_TLS_KEY_FILE": Variable(_file, "", "Its private key"),
    "ACCESS_TOKEN_TTL": Variable(_number(1, YEAR_S), "3600", "Seconds an access token lives"),
    "REFRESH_TOKEN_TTL": Variable(_number(1, YEAR_S), "1209600", "Seconds a refresh token lives"),
    "SESSION_TTL": Variable(_number(1, YEAR_S), "3600", "Seconds after which an idle visitor session expires"),
    "CONSOLE_SESSION_TTL": Variable(_number(60, YEAR_S), "43200", "Seconds after which staff sign in again"),
    "AUDIT_KEEP_DAYS": Variable(_number(0, 36_500), "0", "Days an entry of the audit trail is kept; 0: for ever"),
    "CONFIG_CACHE_TTL": Variable(_number(0, DAY_S), "300", "Seconds a channel's configuration may be cached"),
    "CONVERSATION_IDLE_TTL": Variable(
        _number(60, YEAR_S), "86400", "Seconds after which an idle conversation is abandoned"
    ),
    "REQUEST_TIMEOUT_MS": Variable(_number(0, 600_000), "30000", "Longest a REST request waits for its answer"),
    "ENGINE_TIMEOUT_MS": Variable(
        _number(1, 600_000), "10000", "Longest an engine may think before the fallback reply"
    ),
    "ENABLE_RATE_LIMITING": Variable(_flag, "true", "Rate limits on the API"),
    "DEFAULT_RATE_LIMIT": Variable(_number(1, BILLION), "1000", "Requests a minute per tenant, user, key and address"),
    "MAX_RATE_LIMIT": Variable(
        _number(0, BILLION),
        "10000",
        "Most requests a minute, and at once, that a tenant's own settings can reach; 0: any",
    ),
    "BURST_LIMIT": Variable(_number(1, BILLION), "2000", "Requests at once before the rate applies"),
    "WEBCHAT_VISITORS_PER_ADDRESS": Variable(
        _number(0, BILLION),
        "200",
        "New visitors an hour who may begin to write in a web chat from one address; 0: any number",
    ),
    "DELIVERY_MAX_ATTEMPTS": Variable(_number(1, 100), "8", "Tries before a message becomes a dead letter"),
    # Longer than a call to a platform may take (20 s): what runs must not be taken for dead, and sent once more.
    "DELIVERY_LEASE_S": Variable(_number(25, 3600), "60", "Seconds after which a silent worker's work is taken over"),
    "CHANNEL_CHECK_INTERVAL_S": Variable(_number(0, DAY_S), "300", "Seconds between two checks of a channel; 0: none"),
    "EMAIL_URL": Variable(
        _url(*MAIL, nowhere=MAIL[4:]),
        "",
        "How e-mail goes out, e.g. smtp://user:password@host:587; empty: none is sent",
    ),
    "EMAIL_FROM": Variable(
        _like(r"[^\n\r]*@[^\n\r]+", "write an address, e.g. chat@example.com"),
        "chatsvc@localhost",
        "Sender of our e-mail",
    ),
    "SWEEP_INTERVAL_S": Variable(_number(1, 3600), "5", "Seconds between two looks for work whose wake-up was lost"),
    "WEB_THREADS": Variable(_number(1, 1000), "8", "Requests that the web process works on at a time"),
    "WORKER_THREADS": Variable(_number(1, 1000), "8", "Threads of a worker, and of the one in `manage.py serve`"),
    "MEDIA_ROOT": Variable(str, "", "Folder of files from messages; empty: var/media. Not used with S3"),
    "MEDIA_S3_BUCKET": Variable(str, "", "Bucket of files from messages, with requirements-s3.lock; empty: a folder"),
    "MEDIA_S3_ENDPOINT": Variable(_url("https", "http"), "", "Address of an S3-compatible service; empty: Amazon's"),
    "MEDIA_S3_REGION": Variable(str, "", "Region of the bucket"),
    "MEDIA_S3_ACCESS_KEY": Variable(str, "", "Access key of the bucket; empty: the machine's own role"),
    "MEDIA_S3_SECRET_KEY": Variable(str, "", "Secret of MEDIA_S3_ACCESS_KEY"),
    "MEDIA_MAX_BYTES": Variable(_number(1, 50 * 1024 * 1024), "52428800", "Largest file that is kept, at most 50 MB"),
    "CLAMAV_URL": Variable(
        _scanner,
        "",
        "ClamAV's clamd, which examines files before they are kept: tcp://host:3310 or unix:///run/clamav/clamd.ctl; "
        "empty: none does",
    ),
    "CLAMAV_FAIL": Variable(
        _one_of("closed", "open"),
        "closed",
        "What happens to files that clamd cannot examine: closed keeps none, open all",
    ),
    "MEDIA_LINK_TTL": Variable(
        _number(60, YEAR_S), "3600", "Seconds that a link to a file works for readers, at least"
    ),
    "MEDIA_PUBLIC_LINK_TTL": Variable(
        _number(60, YEAR_S), "604800", "Seconds that a link to a file works for platforms it was sent to, at least"
    ),
    "TRANSCRIBE_URL": Variable(
        _url("https", "http"),
        "",
        "OpenAI-compatible API that puts voice messages into words, e.g. https://api.openai.com/v1; empty: none",
    ),
    "TRANSCRIBE_API_KEY": Variable(str, "", "The key of the transcriber"),
    "TRANSCRIBE_MODEL": Variable(str, "whisper-1", "The model that the transcriber uses"),
    "TRANSCRIBE_WAIT_S": Variable(_number(0, 600), "20", "Longest the bot waits for the words of a voice message"),
    "OUTBOUND_ALLOW_HOSTS": Variable(
        _places,
        "",
        "host:port (or host, with all ports) inside the private network that every tenant's channels and webhooks may "
        "call; in development the provider twin as well",
        in_development="127.0.0.1:8900,localhost:8900",
    ),
    "MAX_MESSAGES_PER_THREAD": Variable(_number(1, 100_000), "1000", "Messages that a thread between people takes"),
    "MESSAGE_RETENTION_DAYS": Variable(
        _number(0, 36_500),
        "0",
        "Days after its end that a conversation is kept, where its tenant has not chosen; 0: for ever",
    ),
    "PRIVACY_ENABLED": Variable(
        _flag, "true", "Exports and erasures of people can be asked for by REST and in the console; commands always can"
    ),
    "METRICS_TOKEN": Variable(str, "", "Bearer token that may read /metrics and /health/detailed"),
    "METRICS_ALLOW": Variable(_networks, "", "Networks that may read /metrics without the token, e.g. 10.0.0.0/8"),
    "METRICS_PORT": Variable(_number(0, 65535), "0", "Port on which a worker or consumer shows its /metrics; 0: none"),
    "PROMETHEUS_MULTIPROC_DIR": Variable(
        _folder, "", "Empty directory that the processes of one web server share for their counters; empty: one process"
    ),
    "OTEL_EXPORTER_OTLP_ENDPOINT": Variable(_url("https", "http"), "", "Traces; empty: none"),
}


#: variables that nothing obeys yet, by what will: refused, since a limit that is not kept is worse than none
AWAITED: dict[str, str] = {}


#: variable → the other name of it, which counts where the first is empty
ALSO: dict[str, str] = {"PORT": "SERVICE_PORT"}


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
        from chatsvc.keys import weak_keys

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
    secret = name.endswith(("_KEY", "_KEYS", "_TOKEN", "_PASSWORD")) or "@" in text
    return "" if secret else f"={text[:100]!r}"


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
