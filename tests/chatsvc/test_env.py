"""Settings from the environment: read whole, refused helpfully, documented by themselves (OPS-2)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import Tags, run_checks

from chatsvc import env
from chatsvc.checks import misspelt
from chatsvc.env.example import example

REPO = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "Zq8" * 20 + "!x_-~#aAbBcC",
    "JWT_SECRET_KEY": "jJ5!x_-~" * 5,
    "ENCRYPTION_KEYS": "kK5!x_-~" * 5,
    "ALLOWED_HOSTS": "chat.example.com",
    "PUBLIC_URL": "https://chat.example.com",
}


def test_the_example_file_says_what_the_code_says():
    assert (REPO / ".env.example").read_text() == example()


def test_every_variable_has_a_sentence():
    assert [name for name, variable in env.VARIABLES.items() if len(variable.help) < 10 or "\n" in variable.help] == []


def test_an_empty_environment_is_enough_for_development(tmp_path):
    values = env.read({}, tmp_path)
    assert values["ENVIRONMENT"] == "development"
    assert len(values["SECRET_KEY"]) >= 50


def test_development_secrets_are_made_once_and_kept_private(tmp_path):
    first, second = env.read({}, tmp_path), env.read({}, tmp_path)
    kept = tmp_path / "var" / "development-secrets.json"
    assert first["JWT_SECRET_KEY"] == second["JWT_SECRET_KEY"]
    assert kept.stat().st_mode & 0o077 == 0
    assert set(json.loads(kept.read_text())) == {"SECRET_KEY", "JWT_SECRET_KEY", "ENCRYPTION_KEYS"}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DEBUG", "yes", True),
        ("DEBUG", "Off", False),
        ("CORS_ORIGINS", "https://a.example, https://b.example", ["https://a.example", "https://b.example"]),
        ("CORS_ORIGINS", '["https://a.example"]', ["https://a.example"]),
        ("BURST_LIMIT", " 5 ", 5),
        ("BURST_LIMIT", "", 2000),
    ],
    ids=["yes", "off", "commas", "JSON", "spaces", "empty means default"],
)
def test_values_are_typed(tmp_path, name, text, value):
    assert env.read({name: text}, tmp_path)[name] == value


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({}, ["127.0.0.1:8900", "localhost:8900"]),
        ({"OUTBOUND_ALLOW_HOSTS": "CRM.internal:443"}, ["crm.internal:443", "127.0.0.1:8900", "localhost:8900"]),
        (PRODUCTION, []),
        ({**PRODUCTION, "OUTBOUND_ALLOW_HOSTS": "crm.internal,[::1]:80"}, ["crm.internal", "[::1]:80"]),
    ],
    ids=["development", "and what is said", "production", "what is said"],
)
def test_the_twin_is_reached_in_development_only(tmp_path, given, allowed):
    assert env.read(given, tmp_path)["OUTBOUND_ALLOW_HOSTS"] == allowed


BAD = {
    "a place with a scheme": ({"OUTBOUND_ALLOW_HOSTS": "http://crm:80"}, ["OUTBOUND_ALLOW_HOSTS", "no host:port"]),
    "not a number": ({"PORT": "eight"}, ["PORT='eight'"]),
    "negative": ({"BURST_LIMIT": "-1"}, ["BURST_LIMIT", "a whole number from 1 to"]),
    "not a flag": ({"DEBUG": "maybe"}, ["DEBUG", "write true or false"]),
    "unknown choice": ({"LOG_LEVEL": "LOUD"}, ["LOG_LEVEL", "choose one of DEBUG, INFO"]),
    "production with a space": ({"ENVIRONMENT": " production"}, ["SECRET_KEY must be set"]),
    "half a list": ({"KAFKA_BROKERS": "[1"}, ["KAFKA_BROKERS"]),
    "two at once": ({"PORT": "x", "DEBUG": "x"}, ["PORT", "DEBUG"]),
    "production without secrets": (
        {"ENVIRONMENT": "production"},
        ["SECRET_KEY must be set", "JWT_SECRET_KEY must", "ENCRYPTION_KEYS must"],
    ),
    "short key": ({**PRODUCTION, "ENCRYPTION_KEYS": "a"}, ["ENCRYPTION_KEYS is too short"]),
    "one short key of two": ({**PRODUCTION, "ENCRYPTION_KEYS": "k" * 40 + ",short"}, ["ENCRYPTION_KEYS is too short"]),
    "short secret": ({**PRODUCTION, "JWT_SECRET_KEY": "short"}, ["JWT_SECRET_KEY is too short"]),
    "a key that repeats": ({**PRODUCTION, "SECRET_KEY": "abcabc" * 10}, ["SECRET_KEY can be guessed"]),
    "an example's key": (
        {**PRODUCTION, "JWT_SECRET_KEY": "change-me-32-characters-or-more-for-tokens"},
        ["JWT_SECRET_KEY can be guessed"],
    ),
    "Django's own": (
        {**PRODUCTION, "SECRET_KEY": "django-insecure-" + PRODUCTION["SECRET_KEY"]},
        ["SECRET_KEY can be guessed"],
    ),
    "one key for all": (
        {**PRODUCTION, "JWT_SECRET_KEY": PRODUCTION["SECRET_KEY"], "ENCRYPTION_KEYS": PRODUCTION["SECRET_KEY"]},
        ["JWT_SECRET_KEY has the key of SECRET_KEY", "ENCRYPTION_KEYS has the key of JWT_SECRET_KEY"],
    ),
}


@pytest.mark.parametrize(("given", "said"), BAD.values(), ids=BAD)
def test_a_bad_environment_is_refused_by_name(tmp_path, given, said):
    with pytest.raises(env.BadSettings) as refusal:
        env.read(given, tmp_path)
    assert [words for words in said if words not in str(refusal.value)] == []
    assert ".env.example" in str(refusal.value)


#: values that started once, and then ended in a traceback, did nothing, or sent every message several times
NO_SETTINGS = {
    "PORT": ["0", "99999", "8" * 5000],
    "ENGINE_LISTEN_PORT": ["0", "65536"],
    "METRICS_PORT": ["65536", "-1"],
    "HOST": ["http://localhost", "chat.example.com", "localhost:8001", "[::1]", "a b"],
    "PUBLIC_URL": [
        "chat.example.com",
        "ftp://chat.example.com",
        "https://",
        "https://a b",
        "https://a?b=c",
        "https://a#b",
        "https://u:p@a",
    ],
    "QDRANT_URL": ["http://qdrant:6333?x=1"],
    "QDRANT_API_KEY": ["schlüssel", "two words"],
    "TRANSCRIBE_API_KEY": ["one\ntwo"],
    "METRICS_TOKEN": ["été"],
    "MEDIA_ROOT": [__file__, "a\nb", "x" * 5000],
    "MEDIA_S3_BUCKET": ["s3://bucket", "a"],
    "MEDIA_S3_REGION": ["https://eu"],
    "JWT_KEYS_FILE": ["/nowhere", "x" * 5000],
    "PDF_FONTS": ["x" * 5000],
    "MCP_ENGINE_URL": ["engine", "engine:99999", "engine:0", "http://engine:1"],
    "CORS_ORIGINS": [
        "http://[",
        "https://é.example",
        "shop.example.com",
        "https://shop.example.com:99999",
        "https://shop.example.com:0",
        "https://shop.example.com/",
        "https://shop.example.com/cart",
    ],
    "DATABASE_URL": [
        "foo",
        "mysql://x/y",
        "postgres://",
        "postgres://h",
        "postgres://h:x/db",
        "sqlite://x",
        "mongodb://",
    ],
    "POSTGRESQL_URI": ["host=x"],
    "REDIS_URL": ["localhost:6379", "http://localhost", "redis://", "redis://localhost:x", "redis://localhost/cache"],
    "KAFKA_BROKERS": ["kafka://a:9092", "a:x", "a:0", "a:99999"],
    "KAFKA_TOPIC_PREFIX": ["two words", "a/b", "x" * 101],
    "KAFKA_CA_FILE": ["/nowhere"],
    "SECURITY_HUB_URL": ["http://hub:1", "hub", "grpcs://hub", "hub:65536"],
    "SECURITY_HUB_TIMEOUT_MS": ["0", "30001"],
    "EMAIL_URL": ["foo", "smtp://", "smtp://host:x", "imap://host"],
    "EMAIL_FROM": ["chatsvc", "a@b\nBcc: c@d", "smtp://u:p@mail", "Chat <a@b"],
    "TRANSCRIBE_URL": ["api.openai.com/v1"],
    "MEDIA_S3_ENDPOINT": ["minio:9000"],
    "ALLOWED_HOSTS": ["https://chat.example.com", "chat.example.com:8001", "chat.example.com/", "*.example.com", "a b"],
    "CLAMAV_URL": [
        "clamav:3310",
        "http://clamav:3310",
        "tcp://",
        "tcp://u:p@clamav:3310",
        "unix://run/clamd",
        "tcp://a:0",
    ],
    "CLAMAV_FAIL": ["ajar"],
    "MEDIA_MAX_BYTES": ["0", "52428801"],
    "OTEL_EXPORTER_OTLP_ENDPOINT": ["collector:4318"],
    "PROMETHEUS_MULTIPROC_DIR": ["/nowhere"],
    "DELIVERY_LEASE_S": ["0", "24", "1.5"],
    "DELIVERY_MAX_ATTEMPTS": ["0"],
    "WORKER_THREADS": ["0", "1_0"],
    "DATABASE_POOL_SIZE": ["0"],
    "SWEEP_INTERVAL_S": ["0"],
    "SESSION_TTL": ["0"],
    "CONVERSATION_IDLE_TTL": ["0"],
    "ACCESS_TOKEN_TTL": ["0", "9" * 12],
    "ENGINE_TIMEOUT_MS": ["0", "9" * 21],
    "DEFAULT_RATE_LIMIT": ["0"],
    "TRUSTED_PROXIES": ["yes", "-1"],
}


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in NO_SETTINGS.items() for text in texts], ids=lambda one: one[:30]
)
def test_a_value_that_cannot_work_is_refused_at_the_start(tmp_path, name, text):
    with pytest.raises(env.BadSettings, match=f"\n  {name}") as refusal:
        env.read({name: text}, tmp_path)
    assert len(str(refusal.value).splitlines()) == 3
    assert len(str(refusal.value)) < 500


def test_hosts_are_names_and_addresses(tmp_path):
    hosts = [".example.com", "chat_1", "192.0.2.1", "[::1]", "*"]
    assert env.read({"ALLOWED_HOSTS": ",".join(hosts)}, tmp_path)["ALLOWED_HOSTS"] == hosts


def test_every_number_has_bounds(tmp_path):
    """So that no new one starts with a value whose effect is not known."""
    numbers = [name for name, value in env.read({}, tmp_path).items() if type(value) is int]
    assert len(numbers) > 25
    assert [name for name in numbers if _is_taken(name, "9" * 18)] == []


def _is_taken(name, text):
    try:
        return env.VARIABLES[name].read(text)
    except ValueError:
        return False


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_URL", "postgres:///chatsvc"),
        ("DATABASE_URL", "postgresql://u:p@%2Fvar%2Frun%2Fpostgresql/chatsvc"),
        ("DATABASE_URL", "postgresql+asyncpg://u:p%40@db:5432/chatsvc?sslmode=require"),
        ("DATABASE_URL", "sqlite:////srv/chatsvc.sqlite3"),
        ("DATABASE_URL", "sqlite://:memory:"),
        ("DATABASE_URL", "mongodb://u:p@a:1,b:2/chatsvc?replicaSet=rs0"),
        ("DATABASE_URL", "mongodb+srv://cluster.example.com/chatsvc"),
        ("REDIS_URL", "rediss://:p@[::1]:6379/0"),
        ("HOST", "::1"),
        ("MCP_ENGINE_URL", "grpcs://engine.example.com:443"),
        ("EMAIL_URL", "smtp+tls://u:p@mail.example.com:587"),
        ("EMAIL_URL", "consolemail://"),
        ("EMAIL_FROM", "Chat <chat@example.com>"),
        ("PUBLIC_URL", "http://localhost:8001"),
        ("CLAMAV_URL", "tcp://[::1]:3310"),
        ("CLAMAV_URL", "unix:///run/clamav/clamd.ctl"),
        ("KAFKA_TOPIC_PREFIX", "chatbot.platform"),
    ],
)
def test_a_value_that_works_is_taken_as_it_is(tmp_path, name, text):
    assert env.read({name: text}, tmp_path)[name] == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ENCRYPTION_KEYS", '["hunter2"'),
        (
            "LLM_PROVIDERS",
            '[{"name": "a", "kind": "openai", "key": "hunter2", "models": [{"name": "m", "purposes": ["answers"]}]}]',
        ),
        ("LLM_PROVIDERS", '[{"api_key": "hunter2"'),
        ("ENGINE_TOKEN", "hunter2 and more"),
        ("EMAIL_URL", "smtp://u:hunter2@mail:x"),
        ("DATABASE_URL", "postgres://u:hunter2/3@db/x"),
        ("DATABASE_URL", "mysql://u:hunter2@db/x"),
        ("REDIS_URL", "http://:hunter2@redis"),
        ("KAFKA_BROKERS", "u:hunter2@kafka:9092"),
    ],
)
def test_a_complaint_never_repeats_a_secret(tmp_path, name, text):
    with pytest.raises(env.BadSettings, match=name) as refusal:
        env.read({name: text}, tmp_path)
    assert "hunter2" not in str(refusal.value)


def test_a_refusal_never_repeats_a_secret(tmp_path):
    with pytest.raises(env.BadSettings) as refusal:
        env.read({**PRODUCTION, "SECRET_KEY": "too-short-secret"}, tmp_path)
    assert "too-short-secret" not in str(refusal.value)


def _manage(*arguments, **variables):
    clean = {name: value for name, value in os.environ.items() if name not in env.VARIABLES}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=REPO,
        env={**clean, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_deployment_check_is_clean_in_production(tmp_path):
    result = _manage(
        "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION, DATABASE_URL=f"sqlite:///{tmp_path}/x.sqlite3"
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_starting_with_a_bad_environment_says_why_and_shows_no_traceback():
    result = _manage("check", ENVIRONMENT="production")
    assert result.returncode != 0
    assert "SECRET_KEY must be set" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("hosts", "origins", "warned"),
    [
        (["*"], ["*"], ["chatsvc.W001", "chatsvc.W002"]),
        (["chat.example.com"], ["https://shop.example.com"], []),
    ],
)
def test_what_is_open_to_all_is_warned_of_before_it_is_deployed(settings, hosts, origins, warned):
    settings.ALLOWED_HOSTS, settings.ENV = hosts, {**settings.ENV, "CORS_ORIGINS": origins}
    found = run_checks(tags=[Tags.security], include_deployment_checks=True)
    assert [one.id for one in found if one.id.startswith("chatsvc.")] == warned


GOOD = {"SECRET_KEY": "Zq8!x_-~" * 8, "JWT_SECRET_KEY": "Yq8!x_-~" * 5, "ENCRYPTION_KEYS": ["Zq8!x_-~" * 5]}
SAFE = {**GOOD, "PUBLIC_URL": "https://chat.example.com", "ENABLE_RATE_LIMITING": True, "METRICS_TOKEN": ""}


@pytest.mark.parametrize(
    ("given", "warned"),
    [
        ({}, []),
        ({"SECRET_KEY": "a" * 60}, ["chatsvc.E002"]),
        ({"SECRET_KEY": "Yq8!x_-~" * 8, "JWT_SECRET_KEY": "Yq8!x_-~" * 8}, ["chatsvc.E002"]),
        ({"ENCRYPTION_KEYS": ["ab" * 20, "Zq8!x_-~" * 5]}, ["chatsvc.E002"]),
        ({"ENCRYPTION_KEYS": ["Zq8!x_-~" * 5, "ab" * 20]}, ["chatsvc.W003"]),
        ({"METRICS_TOKEN": "short"}, ["chatsvc.W003"]),
        ({"PUBLIC_URL": ""}, ["chatsvc.W004"]),
        ({"PUBLIC_URL": "http://chat.example.com"}, ["chatsvc.W004"]),
        ({"ENABLE_RATE_LIMITING": False}, ["chatsvc.W005"]),
    ],
)
def test_a_deployment_that_is_not_safe_is_warned_of(settings, given, warned):
    settings.ENV, settings.PRODUCTION = {**settings.ENV, "CORS_ORIGINS": [], **SAFE, **given}, True
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    found = run_checks(tags=[Tags.security], include_deployment_checks=True)
    assert [one.id for one in found if one.id.startswith("chatsvc.")] == warned
    assert not [one for one in found if "aaaa" in f"{one.msg}{one.hint}" or "short" in f"{one.msg}{one.hint}"]


def test_a_name_that_nothing_obeys_is_told_with_the_one_that_was_meant():
    names = [
        "ALLOWED_HOST",
        "CLAMAV_ULR",
        "DATABASE_URL",
        "HOME",
        "PATH",
        "WEB_PROCESSES",
        "SERVICE_PORT",
        "POSTGRES_DB",
    ]
    assert [(one.msg, one.hint) for one in misspelt(names)] == [
        ("ALLOWED_HOST is not known.", "ALLOWED_HOSTS is."),
        ("CLAMAV_ULR is not known.", "CLAMAV_URL is."),
    ]


# -------------------------------------------------------------- the documents' variables


@pytest.mark.parametrize(
    ("given", "port"),
    [({}, 8001), ({"SERVICE_PORT": "9001"}, 9001), ({"SERVICE_PORT": "9001", "PORT": "9002"}, 9002)],
    ids=["neither", "the other name", "both"],
)
def test_the_port_has_two_names(tmp_path, given, port):
    assert env.read(given, tmp_path)["PORT"] == port


@pytest.mark.parametrize(("algorithm", "least"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_key_is_as_long_as_its_signature(tmp_path, algorithm, least):
    given = {**PRODUCTION, "JWT_ALGORITHM": algorithm}
    key = ("jJ5!x_-~" * 8)[:least]
    assert env.read({**given, "JWT_SECRET_KEY": key}, tmp_path)["JWT_ALGORITHM"] == algorithm
    with pytest.raises(env.BadSettings, match="JWT_SECRET_KEY is too short"):
        env.read({**given, "JWT_SECRET_KEY": key[1:]}, tmp_path)


TOLD = """
import django; django.setup()
import json, uuid, jwt
from django.conf import settings
from django.test import Client
from tenants.access.tokens import token_issue
from tenants.access.buckets import RedisBuckets
from django.core.cache import caches
token = token_issue("access", tenant_id=uuid.uuid4(), subject="s", kind="key", permissions=[], ttl_s=60)
cache = caches["default"]._cache._get_connection_pool(write=True)
limits = RedisBuckets(settings.REDIS_URL)._client.connection_pool
print(json.dumps({
    "algorithm": jwt.get_unverified_header(token)["alg"], "name": Client().get("/info").json()["name"],
    "cache": [type(cache).__name__, cache.max_connections], "limits": [type(limits).__name__, limits.max_connections],
    "broker": settings.CELERY["broker_transport_options"]["max_connections"],
}))
import structlog; structlog.get_logger("chatsvc").info("line_written")
"""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"VECTOR_STORE": "pgvector"}, "VECTOR_STORE=pgvector needs a database of PostgreSQL in DATABASE_URL."),
        ({"VECTOR_STORE": "pinecone"}, "VECTOR_STORE=pinecone needs PINECONE_URL and PINECONE_API_KEY."),
        ({"VECTOR_STORE": "pgvector", "POSTGRESQL_URI": "postgres://db/chat"}, None),
    ],
)
def test_a_store_of_vectors_that_is_named_is_there_to_be_called(tmp_path, given, said):
    if said is None:
        assert env.read(given, tmp_path)["VECTOR_STORE"] == "pgvector"
    else:
        with pytest.raises(env.BadSettings, match=re.escape(said)):
            env.read(given, tmp_path)


#: the examples of the documents, as they stand there
EXAMPLES = {
    "threads": {
        "DATABASE_URL": "postgresql+asyncpg://user:pass@localhost:5432/chat_db", "REDIS_URL": "redis://localhost:6379/0",
        "KAFKA_BOOTSTRAP_SERVERS": "localhost:9092", "JWT_SECRET_KEY": "your-super-secret-jwt-key", "JWT_ALGORITHM": "HS256",
        "ENVIRONMENT": "development", "LOG_LEVEL": "INFO", "PORT": "8000", "PRIVACY_ENABLED": "true",
        "ENABLE_RATE_LIMITING": "true", "MESSAGE_RETENTION_DAYS": "365", "MAX_MESSAGES_PER_THREAD": "1000",
        "CORS_ORIGINS": '["http://localhost:3000", "https://app.aivo.com"]',
    },
    "service": {
        "SERVICE_NAME": "chat-service", "SERVICE_PORT": "8001", "LOG_LEVEL": "INFO",
        "MONGODB_URI": "mongodb://mongo-cluster:27017", "REDIS_URL": "redis://redis-cluster:6379",
        "MCP_ENGINE_URL": "mcp-engine:50051", "SECURITY_HUB_URL": "security-hub:50052",
        "KAFKA_BROKERS": "kafka-1:9092,kafka-2:9092,kafka-3:9092", "KAFKA_TOPIC_PREFIX": "chatbot.platform",
        "MAX_CONNECTIONS_MONGO": "100", "MAX_CONNECTIONS_REDIS": "50", "REQUEST_TIMEOUT_MS": "30000", "SESSION_TTL": "3600",
        "CONFIG_CACHE_TTL": "300", "RESPONSE_CACHE_TTL": "1800", "DEFAULT_RATE_LIMIT": "1000", "BURST_LIMIT": "2000",
    },
}  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_the_examples_of_the_documents_are_taken_as_they_stand(tmp_path, example):
    values = env.read(example, tmp_path)
    assert {name: values[name] for name in example} == {
        name: env.VARIABLES[name].read(text) for name, text in example.items()
    }


FOUND = """
import django; django.setup()
import json
from django.conf import settings
from django.test import Client
from channels_app import selectors
from messaging.kafka.stream import client_options
asked = Client().options("/api/v2/channels", headers={"Origin": "https://app.example.com"})
print(json.dumps({
    "database": [settings.DATABASES["default"][name] for name in ("HOST", "PORT", "NAME", "USER")],
    "kafka": client_options()["bootstrap_servers"], "channels": selectors._channels.ttl,
    "cors": [asked.status_code, asked.headers.get("Access-Control-Allow-Origin")],
}))
import structlog; log = structlog.get_logger("chatsvc"); log.info("not_written"); log.warning("written")
"""


@pytest.mark.parametrize("name", ["DATABASE_URL", "POSTGRESQL_URI", "MONGODB_URI"])
def test_other_names_and_forms_of_the_documents_are_obeyed(name):
    """A database by any of its three names and in asyncpg's form, brokers by Kafka's own name, the age of a channel's
    configuration, origins and the level of the log (OPS-2)."""
    given = {
        name: "postgresql+asyncpg://ana:pw@db.example:5433/chat_db", "KAFKA_BOOTSTRAP_SERVERS": "k1:9092,k2:9093",
        "CONFIG_CACHE_TTL": "17", "CORS_ORIGINS": '["https://app.example.com"]', "LOG_LEVEL": "WARNING", "LOG_FORMAT": "json",
        "ALLOWED_HOSTS": "testserver", "DJANGO_SETTINGS_MODULE": "chatsvc.settings",
    }  # fmt: skip
    clean = {key: value for key, value in os.environ.items() if key not in env.VARIABLES}
    ran = subprocess.run(
        [sys.executable, "-c", FOUND], cwd=REPO, env={**clean, **given}, capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout) == {
        "database": ["db.example", 5433, "chat_db", "ana"], "kafka": ["k1:9092", "k2:9093"], "channels": 17,
        "cors": [204, "https://app.example.com"],
    }  # fmt: skip
    assert "not_written" not in ran.stderr
    assert "written" in ran.stderr


def test_what_the_documents_name_is_obeyed():
    """MAX_CONNECTIONS_REDIS, JWT_ALGORITHM and SERVICE_NAME, in a process that was started with them (OPS-2).
    MAX_CONNECTIONS_MONGO: test_mongo_settings.py."""
    given = {
        "REDIS_URL": "redis://127.0.0.1:1/0", "MAX_CONNECTIONS_REDIS": "17", "JWT_ALGORITHM": "HS512",
        "SERVICE_NAME": "chat-service", "DATABASE_URL": "sqlite://:memory:", "LOG_FORMAT": "json",
        "DJANGO_SETTINGS_MODULE": "chatsvc.settings", "ALLOWED_HOSTS": "testserver",
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-c", TOLD], cwd=REPO, env={**os.environ, **given}, capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout) == {
        "algorithm": "HS512", "name": "chat-service", "cache": ["BlockingConnectionPool", 17],
        "limits": ["BlockingConnectionPool", 17], "broker": 17,
    }  # fmt: skip
    assert json.loads(ran.stderr.splitlines()[-1])["service"] == "chat-service"
