"""Every environment variable, its type and its default in one table (OPS-2). Must not read any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chatsvc.env.kinds import (
    address,
    base_url,
    database_url,
    file,
    flag,
    folder,
    folder_to_make,
    grpc_url,
    hosts,
    key_file,
    like,
    listed,
    llm_providers,
    networks,
    number,
    one_of,
    origins,
    places,
    port_or_none,
    redis_url,
    scanner,
    url,
)


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
TOKEN = like(r"[!-~]*", "must be printable ASCII without spaces")
MAIL = ("smtp", "smtp+tls", "smtp+ssl", "smtps", "consolemail", "filemail", "memorymail", "dummymail")

VARIABLES: dict[str, Variable] = {
    "ENVIRONMENT": Variable(one_of("development", "test", "staging", "production"), "development", "Where this runs"),
    "DEBUG": Variable(flag, "false", "Django's debug pages; never in production"),
    "HOST": Variable(address, "127.0.0.1", "Address that `manage.py serve` listens on"),
    "PORT": Variable(number(1, 65535), "8001", "Port that `manage.py serve` listens on"),
    "SERVICE_PORT": Variable(port_or_none, "", "Same as PORT, taken when that is empty"),
    "SERVICE_NAME": Variable(
        like(r"[A-Za-z0-9][\w.-]{0,62}", "write letters, digits, dots, - and _"),
        "chatsvc",
        "What this deployment is called in /info, in traces and, where it is another name, in log lines",
    ),
    "PUBLIC_URL": Variable(
        base_url("https", "http", user=False),
        "",
        "How the outside reaches us, e.g. https://chat.example.com (webhook addresses)",
    ),
    "DEMO_TWIN": Variable(
        one_of("auto", "on", "off"),
        "auto",
        "Whether `manage.py serve` plays the platforms of the demo tenant's channels on 127.0.0.1:8900; auto: in development",
    ),
    "LOG_LEVEL": Variable(
        one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
        "INFO",
        "Least level that is logged; DEBUG tells of each step, libraries stay at INFO",
    ),
    "LOG_FORMAT": Variable(one_of("json", "console"), "json", "json for machines, console for people"),
    "SECRET_KEY": Variable(str, "", "Django's signing key, 50+ characters", True),
    "JWT_SECRET_KEY": Variable(str, "", "Signs access tokens, 32+ characters (48 with HS384, 64 with HS512)", True),
    "JWT_ALGORITHM": Variable(
        one_of("HS256", "HS384", "HS512", "RS256", "ES256"),
        "HS256",
        "How tokens are signed: HS… by JWT_SECRET_KEY, RS256 and ES256 by the first key of JWT_KEYS_FILE",
    ),
    "JWT_KEYS_FILE": Variable(
        key_file,
        "",
        "PEM file of RSA or P-256 keys: the first signs with RS256 or ES256, all are taken and published",
    ),
    "PDF_FONTS": Variable(
        folder, "", "Folder of more fonts (TrueType, OpenType) for conversations as PDF; empty: those that come along"
    ),
    "JWT_FORMER_SECRET_KEYS": Variable(
        listed, "", "Secrets that tokens which are out were signed by: still taken, until they have expired"
    ),
    "ENCRYPTION_KEYS": Variable(
        listed, "", "Keys for secrets at rest, 32+ characters each; the first encrypts, all decrypt", True
    ),
    "ALLOWED_HOSTS": Variable(hosts, "localhost,127.0.0.1,[::1]", "Host names we answer to"),
    "CORS_ORIGINS": Variable(origins, "", "Origins whose pages may call the REST API; * for all"),
    "TRUSTED_PROXIES": Variable(number(0, 20), "0", "Reverse proxies in front of us whose X-Forwarded-For we believe"),
    "DATABASE_URL": Variable(database_url, "", "sqlite:///…, postgres://… or mongodb://…; empty: var/chatsvc.sqlite3"),
    "POSTGRESQL_URI": Variable(database_url, "", "Same as DATABASE_URL, taken when that is empty"),
    "MONGODB_URI": Variable(database_url, "", "Same as DATABASE_URL, taken when both others are empty"),
    "DATABASE_POOL_SIZE": Variable(number(1, 1000), "8", "PostgreSQL connections per process"),
    "DATABASE_STATEMENT_S": Variable(
        number(0, DAY_S), "5", "Seconds a PostgreSQL statement may take; 0: any, as in migrations"
    ),
    "DATABASE_PREPARE": Variable(
        flag, "true", "PostgreSQL keeps the plans of frequent statements; false behind PgBouncer in transaction mode"
    ),
    "REDIS_URL": Variable(
        redis_url, "", "Channel layer, cache, sessions, rate limits and Celery broker; empty: in process"
    ),
    "MAX_CONNECTIONS_MONGO": Variable(number(1, 10_000), "100", "MongoDB connections per process, unless its URL says"),
    "MAX_CONNECTIONS_REDIS": Variable(
        number(10, 10_000), "50", "Redis connections per process, of the cache, the rate limits and the broker each"
    ),
    "KAFKA_BROKERS": Variable(places, "", "host:port of Kafka brokers; empty: no Kafka"),
    "KAFKA_BOOTSTRAP_SERVERS": Variable(places, "", "Same as KAFKA_BROKERS, taken when that is empty"),
    "KAFKA_TOPIC_PREFIX": Variable(
        like(r"[\w.-]{0,100}", "write letters, digits, dots, - and _"),
        "",
        "Put before every topic name, with a dot, e.g. chatbot.platform",
    ),
    "KAFKA_TYPE_TOPICS": Variable(flag, "true", "A topic for every event type, beside conversation.events.v1"),
    "KAFKA_LINGER_MS": Variable(number(0, 60_000), "100", "Longest that events wait for others to travel with"),
    "KAFKA_SECURITY_PROTOCOL": Variable(
        one_of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"), "PLAINTEXT", "How brokers are spoken to"
    ),
    "KAFKA_SASL_MECHANISM": Variable(
        one_of("", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"), "", "How to log in to the brokers; empty: not at all"
    ),
    "KAFKA_USERNAME": Variable(str, "", "Name at the brokers, with KAFKA_SASL_MECHANISM"),
    "KAFKA_PASSWORD": Variable(str, "", "Its password"),
    "KAFKA_CA_FILE": Variable(file, "", "Certificates that brokers are checked against; empty: the system's"),
    "MCP_ENGINE_URL": Variable(
        grpc_url,
        "",
        "gRPC engine that answers: host:port, or grpcs://host:port; empty: the built-in assistant",
    ),
    "ENGINE_TOKEN": Variable(
        TOKEN,
        "",
        "Bearer token between us and the engine; run_engine wants it from callers",
    ),
    "ENGINE_CA_FILE": Variable(file, "", "Certificates that a grpcs:// engine is checked against; empty: gRPC's own"),
    "ENGINE_LISTEN_PORT": Variable(number(1, 65535), "50051", "Port that `manage.py run_engine` listens on"),
    "ENGINE_THREADS": Variable(number(1, 1000), "8", "Threads that answer in `manage.py run_engine`"),
    "ENGINE_TLS_CERT_FILE": Variable(file, "", "Certificate chain of `manage.py run_engine`; empty: no TLS"),
    "ENGINE_TLS_KEY_FILE": Variable(file, "", "Its private key"),
    "ENGINE_PORT_LISTEN_PORT": Variable(number(1, 65535), "50053", "Port that `manage.py run_engine_port` listens on"),
    "ENGINE_PORT_THREADS": Variable(number(1, 1000), "8", "Threads that answer in `manage.py run_engine_port`"),
    "ENGINE_PORT_TLS_CERT_FILE": Variable(file, "", "Certificate chain of `manage.py run_engine_port`; empty: no TLS"),
    "ENGINE_PORT_TLS_KEY_FILE": Variable(file, "", "Its private key"),
    "ASSISTANT_MEMORY_MB": Variable(
        number(1, 1_000_000),
        "256",
        "Memory per process for what the assistants of tenants have learnt; others are loaded anew",
    ),
    "ASSISTANT_MEANING": Variable(
        flag,
        "true",
        "The built-in assistant recognises intents by what words mean, too: 85 MB in each process that answers",
    ),
    "VECTOR_STORE": Variable(
        one_of("embedded", "pgvector", "qdrant", "pinecone"),
        "embedded",
        "Where texts are kept as vectors: our database, by PostgreSQL's extension pgvector, Qdrant or Pinecone",
    ),
    "QDRANT_URL": Variable(base_url("http", "https"), "http://localhost:6333", "Of VECTOR_STORE=qdrant"),
    "QDRANT_API_KEY": Variable(TOKEN, "", "Its key, if it wants one"),
    "PINECONE_URL": Variable(
        base_url("https", "http"),
        "",
        "Of VECTOR_STORE=pinecone: the address of an index of 512 dimensions, metric cosine",
    ),
    "PINECONE_API_KEY": Variable(TOKEN, "", "The key of that index"),
    "VECTORS_OF_MESSAGES": Variable(
        flag,
        "true",
        "What people and staff write is found by what it means, too: 1 KB of the database a message. Needs ASSISTANT_MEANING",
    ),
    "LLM_PROVIDERS": Variable(
        llm_providers,
        "",
        "Language models for tenants without own keys: a JSON list of providers, see docs/llm.md; holds keys",
    ),
    "RESPONSE_CACHE_TTL": Variable(
        number(0, DAY_S),
        "0",
        "Seconds in which a language model's answer to a person's question is given again to the same; 0: none",
    ),
    "SECURITY_HUB_URL": Variable(
        grpc_url,
        "",
        "gRPC service that judges tokens: host:port, or grpcs://host:port; empty: this service does",
    ),
    "SECURITY_HUB_TOKEN": Variable(
        TOKEN,
        "",
        "Bearer token between us and the security hub; run_security_hub wants it from callers",
    ),
    "SECURITY_HUB_CA_FILE": Variable(
        file, "", "Certificates that a grpcs:// hub is checked against; empty: gRPC's own"
    ),
    "SECURITY_HUB_TIMEOUT_MS": Variable(number(1, 30_000), "2000", "Longest a request waits for the security hub"),
    "SECURITY_HUB_LISTEN_PORT": Variable(
        number(1, 65535), "50052", "Port that `manage.py run_security_hub` listens on"
    ),
    "SECURITY_HUB_THREADS": Variable(number(1, 1000), "8", "Threads that answer in `manage.py run_security_hub`"),
    "SECURITY_HUB_TLS_CERT_FILE": Variable(
        file, "", "Certificate chain of `manage.py run_security_hub`; empty: no TLS"
    ),
    "SECURITY_HUB_TLS_KEY_FILE": Variable(file, "", "Its private key"),
    "ACCESS_TOKEN_TTL": Variable(number(1, YEAR_S), "3600", "Seconds an access token lives"),
    "REFRESH_TOKEN_TTL": Variable(number(1, YEAR_S), "1209600", "Seconds a refresh token lives"),
    "SESSION_TTL": Variable(number(1, YEAR_S), "3600", "Seconds after which an idle visitor session expires"),
    "CONSOLE_SESSION_TTL": Variable(number(60, YEAR_S), "43200", "Seconds after which staff sign in again"),
    "AUDIT_KEEP_DAYS": Variable(number(0, 36_500), "0", "Days an entry of the audit trail is kept; 0: for ever"),
    "CONFIG_CACHE_TTL": Variable(number(0, DAY_S), "300", "Seconds a channel's configuration may be cached"),
    "CONVERSATION_IDLE_TTL": Variable(
        number(60, YEAR_S), "86400", "Seconds after which an idle conversation is abandoned"
    ),
    "REQUEST_TIMEOUT_MS": Variable(number(0, 600_000), "30000", "Longest a REST request waits for its answer"),
    "ENGINE_TIMEOUT_MS": Variable(number(1, 600_000), "10000", "Longest an engine may think before the fallback reply"),
    "ENABLE_RATE_LIMITING": Variable(flag, "true", "Rate limits on the API"),
    "DEFAULT_RATE_LIMIT": Variable(number(1, BILLION), "1000", "Requests a minute per tenant, user, key and address"),
    "MAX_RATE_LIMIT": Variable(
        number(0, BILLION),
        "10000",
        "Most requests a minute, and at once, that a tenant's own settings can reach; 0: any",
    ),
    "BURST_LIMIT": Variable(number(1, BILLION), "2000", "Requests at once before the rate applies"),
    "WEBCHAT_VISITORS_PER_ADDRESS": Variable(
        number(0, BILLION),
        "200",
        "New visitors an hour who may begin to write in a web chat from one address; 0: any number",
    ),
    "DELIVERY_MAX_ATTEMPTS": Variable(number(1, 100), "8", "Tries before a message becomes a dead letter"),
    # Longer than a call to a platform may take (20 s): what runs must not be taken for dead, and sent once more.
    "DELIVERY_LEASE_S": Variable(number(25, 3600), "60", "Seconds after which a silent worker's work is taken over"),
    "CHANNEL_CHECK_INTERVAL_S": Variable(number(0, DAY_S), "300", "Seconds between two checks of a channel; 0: none"),
    "EMAIL_URL": Variable(
        url(*MAIL, nowhere=MAIL[4:]),
        "",
        "How e-mail goes out, e.g. smtp://user:password@host:587; empty: none is sent",
    ),
    "EMAIL_FROM": Variable(
        like(r"[^\r\n<>@]*<[^\s<>@/]+@[^\s<>@/]+>|[^\s<>@/]+@[^\s<>@/]+", "write an address, e.g. chat@example.com"),
        "chatsvc@localhost",
        "Sender of our e-mail",
    ),
    "SWEEP_INTERVAL_S": Variable(number(1, 3600), "5", "Seconds between two looks for work whose wake-up was lost"),
    "WEB_THREADS": Variable(number(1, 1000), "8", "Requests that the web process works on at a time"),
    "WORKER_THREADS": Variable(number(1, 1000), "8", "Threads of a worker, and of the one in `manage.py serve`"),
    "MEDIA_ROOT": Variable(folder_to_make, "", "Folder of files from messages; empty: var/media. Not used with S3"),
    "MEDIA_S3_BUCKET": Variable(
        like(r"([A-Za-z0-9][\w.-]{1,254})?", "write the name of a bucket"),
        "",
        "Bucket of files from messages, with requirements-s3.lock; empty: a folder",
    ),
    "MEDIA_S3_ENDPOINT": Variable(
        base_url("https", "http"), "", "Address of an S3-compatible service; empty: Amazon's"
    ),
    "MEDIA_S3_REGION": Variable(like(r"[\w-]*", "write a region as the service names it"), "", "Region of the bucket"),
    "MEDIA_S3_ACCESS_KEY": Variable(TOKEN, "", "Access key of the bucket; empty: the machine's own role"),
    "MEDIA_S3_SECRET_KEY": Variable(TOKEN, "", "Secret of MEDIA_S3_ACCESS_KEY"),
    "MEDIA_MAX_BYTES": Variable(number(1, 50 * 1024 * 1024), "52428800", "Largest file that is kept, at most 50 MB"),
    "CLAMAV_URL": Variable(
        scanner,
        "",
        "ClamAV's clamd, which examines files before they are kept: tcp://host:3310 or unix:///run/clamav/clamd.ctl; "
        "empty: none does",
    ),
    "CLAMAV_FAIL": Variable(
        one_of("closed", "open"),
        "closed",
        "What happens to files that clamd cannot examine: closed keeps none, open all",
    ),
    "MEDIA_LINK_TTL": Variable(number(60, YEAR_S), "3600", "Seconds that a link to a file works for readers, at least"),
    "MEDIA_PUBLIC_LINK_TTL": Variable(
        number(60, YEAR_S), "604800", "Seconds that a link to a file works for platforms it was sent to, at least"
    ),
    "TRANSCRIBE_URL": Variable(
        base_url("https", "http"),
        "",
        "OpenAI-compatible API that puts voice messages into words, e.g. https://api.openai.com/v1; empty: none",
    ),
    "TRANSCRIBE_API_KEY": Variable(TOKEN, "", "The key of the transcriber"),
    "TRANSCRIBE_MODEL": Variable(str, "whisper-1", "The model that the transcriber uses"),
    "TRANSCRIBE_WAIT_S": Variable(number(0, 600), "20", "Longest the bot waits for the words of a voice message"),
    "OUTBOUND_ALLOW_HOSTS": Variable(
        places,
        "",
        "host:port (or host, with all ports) inside the private network that every tenant's channels and webhooks may "
        "call; in development the provider twin as well",
        in_development="127.0.0.1:8900,localhost:8900",
    ),
    "MAX_MESSAGES_PER_THREAD": Variable(number(1, 100_000), "1000", "Messages that a thread between people takes"),
    "MESSAGE_RETENTION_DAYS": Variable(
        number(0, 36_500),
        "0",
        "Days after its end that a conversation is kept, where its tenant has not chosen; 0: for ever",
    ),
    "PRIVACY_ENABLED": Variable(
        flag, "true", "Exports and erasures of people can be asked for by REST and in the console; commands always can"
    ),
    "METRICS_TOKEN": Variable(TOKEN, "", "Bearer token that may read /metrics and /health/detailed"),
    "METRICS_ALLOW": Variable(networks, "", "Networks that may read /metrics without the token, e.g. 10.0.0.0/8"),
    "METRICS_PORT": Variable(number(0, 65535), "0", "Port on which a worker or consumer shows its /metrics; 0: none"),
    "PROMETHEUS_MULTIPROC_DIR": Variable(
        folder, "", "Empty directory that the processes of one web server share for their counters; empty: one process"
    ),
    "OTEL_EXPORTER_OTLP_ENDPOINT": Variable(base_url("https", "http"), "", "Traces; empty: none"),
}


#: variables that nothing obeys yet, by what will: refused, since a limit that is not kept is worse than none
AWAITED: dict[str, str] = {}


#: variable → the other name of it, which counts where the first is empty
ALSO: dict[str, str] = {"PORT": "SERVICE_PORT"}
