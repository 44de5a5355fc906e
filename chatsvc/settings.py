"""How it is wired: Django's settings, made from the typed environment of chatsvc/env/."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import environ
from django.templatetags.static import static

from chatsvc import env as environment
from chatsvc import mongo
from chatsvc.processes.clock import every
from chatsvc.release import API_VERSION
from chatsvc.web.content_policy import content_policy
from chatsvc.web.sidebar import SIDEBAR
from tenants.storage import postgres, sqlite

BASE_DIR = Path(__file__).resolve().parent.parent
environ.Env.read_env(BASE_DIR / ".env")
ENV = environment.read(os.environ, BASE_DIR)

ENVIRONMENT: str = ENV["ENVIRONMENT"]
PRODUCTION = ENVIRONMENT in ("production", "staging")
DEBUG: bool = ENV["DEBUG"] and not PRODUCTION
SECRET_KEY: str = ENV["SECRET_KEY"]
ENCRYPTION_KEYS: list[str] = ENV["ENCRYPTION_KEYS"]
ALLOWED_HOSTS: list[str] = ENV["ALLOWED_HOSTS"]
PUBLIC_URL: str = ENV["PUBLIC_URL"].rstrip("/") or f"http://localhost:{ENV['PORT']}"

# ------------------------------------------------------------------------ applications

INSTALLED_APPS = [
    "chatsvc.web.console.Look",  # unfold
    "chatsvc.web.console.Config",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "tenants",
    "channels_app",
    "conversations",
    "assistant",
    "messaging",
    "chatsvc",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "chatsvc.web.middleware.RequestContext",
    "chatsvc.web.middleware.Cors",
    "chatsvc.web.middleware.Shed",
    "chatsvc.web.middleware.Api",  # goes no further with requests of the API
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "chatsvc.web.middleware.Unstorable",
    "chatsvc.web.middleware.SecondStep",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "chatsvc.web.content_policy.ContentPolicy",
]

LOGIN_REDIRECT_URL = "admin:index"  # of a login whose page was opened by itself
ROOT_URLCONF = "chatsvc.urls"
WSGI_APPLICATION = "chatsvc.wsgi.application"
ASGI_APPLICATION = "chatsvc.asgi.application"
AUTH_USER_MODEL = "tenants.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# ---------------------------------------------------------------------------- database

DATABASE_URL: str = (
    ENV["DATABASE_URL"] or ENV["POSTGRESQL_URI"] or ENV["MONGODB_URI"] or f"sqlite:///{BASE_DIR}/var/chatsvc.sqlite3"
)


def _database(url: str) -> dict[str, Any]:
    if url.startswith(("postgres://", "postgresql://", "postgresql+asyncpg://")):
        given: dict[str, Any] = environ.Env.db_url_config(url.replace("postgresql+asyncpg", "postgresql"))
        # One more: the thread that warms up at the start must not take one from those who serve.
        return postgres.database(
            given, ENV["DATABASE_POOL_SIZE"] + 1, ENV["DATABASE_STATEMENT_S"], ENV["DATABASE_PREPARE"]
        )
    if url.startswith("mongodb"):
        return mongo.database(url, ENV["MAX_CONNECTIONS_MONGO"])
    database = environ.Env.db_url_config(url)
    if str(database["NAME"]) != ":memory:":
        try:
            Path(database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise environment.BadSettings(f"The directory of the database cannot be made: {error}.") from None
    return sqlite.database(database)


DATABASES = {"default": _database(DATABASE_URL)}
if DATABASES["default"]["ENGINE"] == mongo.ENGINE:
    INSTALLED_APPS = mongo.installed_apps(INSTALLED_APPS)
    MIGRATION_MODULES = mongo.MIGRATION_MODULES
    DEFAULT_AUTO_FIELD = mongo.AUTO_FIELD

# ------------------------------------------------------- Redis, or its equivalents in process

ENV["KAFKA_BROKERS"] = ENV["KAFKA_BROKERS"] or ENV["KAFKA_BOOTSTRAP_SERVERS"]
REDIS_URL: str = ENV["REDIS_URL"]
if REDIS_URL:
    CACHES: dict[str, Any] = {
        "default": {
            "BACKEND": "chatsvc.processes.cache.ForgivingRedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "chatsvc",
            "OPTIONS": {
                "socket_timeout": 1,
                "socket_connect_timeout": 1,
                "pool_class": "redis.BlockingConnectionPool",  # beyond the limit a caller waits, and Redis is not away
                "max_connections": ENV["MAX_CONNECTIONS_REDIS"],
                "timeout": 1,
            },
        }
    }
    CHANNEL_LAYERS: dict[str, Any] = {
        # The core layer drops silently at 100 messages; the pub/sub one does not.
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
    }
    SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
else:
    CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 50_000}}
    }
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 1000}}}

CALLS_IN_HAND = 128  # wake-up calls that a worker has taken from its queues and not handed on yet
BROKER_ON_REDIS: dict[str, Any] = {
    "ack_emulation": False,  # a call in hand is in no list of Redis: chatsvc/processes/broker.py
    "max_connections": ENV["MAX_CONNECTIONS_REDIS"],
    "socket_timeout": 2,
    "socket_connect_timeout": 1,
    "max_retries": 0,  # of a publisher: a broker that is away must not hold up a request
    "health_check_interval": 5,  # a worker leaves a connection on which nothing comes any more after 6 to 11 s
}
CELERY: dict[str, Any] = {
    "broker_url": REDIS_URL or "memory://localhost",
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,  # a worker waits for its broker as long as it takes
    "broker_channel_error_retry": True,  # also for one that refuses what is written: full, read-only, misconfigured
    "beat_scheduler": "celery.beat.Scheduler",  # entries come from here, and no file remembers them
    "worker_pool": "threads",  # of I/O; what each may take is bounded by deadlines in the code
    "worker_concurrency": ENV["WORKER_THREADS"],
    "broker_transport_options": BROKER_ON_REDIS if REDIS_URL else {"polling_interval": 0.05},
    "task_ignore_result": True,
    "task_publish_retry": False,  # a lost wake-up is found by the sweep
    # A call is only handed on to the crews. With few in hand, one that follows a crowd waits for the next looks of a
    # transport that polls: two threads would take up forty a second.
    "worker_prefetch_multiplier": -(-CALLS_IN_HAND // ENV["WORKER_THREADS"]),
    "worker_hijack_root_logger": False,
    "task_default_queue": "background",
    "task_routes": {
        # A queue is what may wait for each other: a slow engine holds up no delivery, a slow file no sweep.
        "messaging.tasks.parse": {"queue": "inbound"},
        "messaging.tasks.sweep": {"queue": "inbound"},
        "messaging.tasks.respond": {"queue": "respond"},
        "messaging.tasks.vectors": {"queue": "respond"},  # its workers have the encoder
        "messaging.tasks.deliver": {"queue": "deliver"},
        "messaging.tasks.publish": {"queue": "events"},
        "messaging.tasks.stream": {"queue": "events"},
        "messaging.tasks.send_alert": {"queue": "events"},
        "messaging.tasks.call_endpoint": {"queue": "events"},
        "messaging.tasks.show_typing": {"queue": "background"},
        "messaging.tasks.show_unasked": {"queue": "background"},
        "messaging.tasks.put_through": {"queue": "background"},
        "messaging.tasks.sum_up": {"queue": "background"},
        "messaging.tasks.say_scheduled": {"queue": "background"},
        "messaging.tasks.assign_waiting": {"queue": "background"},
        "messaging.tasks.tell_places": {"queue": "background"},
        "messaging.tasks.media": {"queue": "background"},
        "messaging.tasks.thumbnail": {"queue": "background"},
        "messaging.tasks.keep_house": {"queue": "background"},
        "messaging.tasks.privacy": {"queue": "background"},
        "messaging.tasks.sites": {"queue": "background"},
        "messaging.tasks.trainings": {"queue": "background"},
        "messaging.tasks.remove_tenants": {"queue": "background"},
        "messaging.tasks.sync_templates": {"queue": "background"},
        "messaging.tasks.sync_templates_of": {"queue": "background"},
        "messaging.tasks.watch_channels": {"queue": "background"},
        "messaging.tasks.watch_channel": {"queue": "background"},
    },
    "beat_schedule": {
        # None expires: that would be by the worker's clock, and one that is ahead would leave all of them aside.
        "sweep": {"task": "messaging.tasks.sweep", "schedule": every(ENV["SWEEP_INTERVAL_S"])},
        "templates": {"task": "messaging.tasks.sync_templates", "schedule": every(6 * 3600)},
        "channels": {"task": "messaging.tasks.watch_channels", "schedule": every(15)},
        "house-keeping": {"task": "messaging.tasks.keep_house", "schedule": every(60)},
        "vectors": {"task": "messaging.tasks.vectors", "schedule": every(10)},
        "sites": {"task": "messaging.tasks.sites", "schedule": every(10)},
        "trainings": {"task": "messaging.tasks.trainings", "schedule": every(3)},
        "privacy": {"task": "messaging.tasks.privacy", "schedule": every(10)},
        "removals": {"task": "messaging.tasks.remove_tenants", "schedule": every(10)},
    },
}

# --------------------------------------------------------------------------------- API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.access.auth.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.access.permissions.DeclaredPermission"],
    "DEFAULT_THROTTLE_CLASSES": ["tenants.access.limits.RateLimits"],
    "DEFAULT_RENDERER_CLASSES": ["chatsvc.web.errors.EnvelopeRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "chatsvc.web.openapi.operations.Operation",
    "EXCEPTION_HANDLER": "chatsvc.web.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
FRONT_PAGE = BASE_DIR / "chatsvc" / "web" / "api_front.md"  # not in docs/, which the image lacks
SPECTACULAR_SETTINGS = {
    "TITLE": "chatsvc",
    "DESCRIPTION": FRONT_PAGE.read_text(encoding="utf-8"),
    "VERSION": API_VERSION,
    "LICENSE": {"name": "Proprietary", "identifier": "LicenseRef-Proprietary"},
    "CONTACT": {"name": "The operator of this service"},
    "SERVERS": [{"url": "/", "description": "The service that served this document"}],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "OAS_VERSION": "3.1.0",  # pydantic's JSON schemas are of that dialect
    "ENUM_NAME_OVERRIDES": {
        "ConversationStatus": ["active", "completed", "abandoned", "escalated", "error"],
        "QuickReplyAsks": [
            "text",
            "location",
            "phone",
            "email",
        ],  # `Content` has a `type`, and the same name by default
        "SafetyFlag": "tenants.tenant_settings.FLAGS",
        "PersonalData": "tenants.tenant_settings.PERSONAL",
        "ChannelEnum": "channels_app.registry.KINDS",
        "LanguageModelProviderKind": ["openai", "anthropic", "compatible"],
        "TenantShapeStatusEnum": ["active", "suspended", "removing"],
        "TenantChosenStatus": ["active", "suspended"],
        "ApiKeyState": ["valid", "ending", "expired", "revoked"],
        "TokenFamilyState": ["valid", "expired", "revoked", "reused"],
        "StaffPresence": ["online", "away", "offline"],
        "WebhookEndpointState": ["active", "held", "paused", "disabled"],
        "WebhookCallStatus": ["queued", "sending", "delivered", "failed"],
        "WebhookReplayStatus": ["failed", "delivered", "queued"],
        "InvitationState": ["waiting", "not_sent", "expired", "joined", "revoked"],
        "ExportStatus": ["running", "ready", "failed", "expired", "erased"],
        "DeletionStatus": ["running", "held", "done"],
        "ChangeKind": ["edited", "deleted"],
        "ToolKind": ["http", "mcp"],
        "SiteState": ["waiting", "reading", "done", "failed"],
        "SitePageStatus": ["waiting", "reading", "created", "updated", "unchanged", "refused", "gone"],
        "TrainingState": ["learning", "ready", "too_large"],
        "TrainingRunState": ["queued", "running", "done", "failed"],
        "NamedEngine": ["current", "builtin"],
        "ScheduledReplyStatus": ["waiting", "sent", "cancelled", "refused", "failed"],
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "chatsvc.web.openapi.schema.envelope",
        "chatsvc.web.openapi.links.linked",
        "chatsvc.web.openapi.contract.generators_read_it",
    ],
    "GET_LIB_DOC_EXCLUDES": "chatsvc.web.openapi.schema.doc_excludes",
}
JWT_SECRET_KEY: str = ENV["JWT_SECRET_KEY"]
JWT_ALGORITHM: str = ENV["JWT_ALGORITHM"]
JWT_FORMER_SECRET_KEYS: list[str] = ENV["JWT_FORMER_SECRET_KEYS"]
JWT_KEYS: str = Path(ENV["JWT_KEYS_FILE"]).read_text(encoding="ascii") if ENV["JWT_KEYS_FILE"] else ""
PDF_FONTS: str = ENV["PDF_FONTS"]
ADDRESS_CHECK = "channels_app.issuer_keys.address_refusal"  # tenants/people/tenant.py asks it
ISSUER_KEYS_FETCH = "channels_app.issuer_keys.issuer_keys"  # tenants/access/signing/issuers.py calls outside by it
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024  # bytes; a WhatsApp webhook may have 3 MB

# ---------------------------------------------------------------------------- security

PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = content_policy(PUBLIC_URL, ENV)
CSRF_COOKIE_HTTPONLY = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = ENV["CONSOLE_SESSION_TTL"]
if PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV["TRUSTED_PROXIES"] else None
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_REDIRECT_EXEMPT = [r"^health", r"^api/v2/health", r"^info$", r"^metrics$"]  # asked for inside the cluster

# ------------------------------------------------------------------- files, time, text

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/widget/dist/.+-[0-9a-f]{10}\.(js|json)$"  # named by what they say
if WHITENOISE_USE_FINDERS:  # files that collectstatic has not compressed
    MIDDLEWARE.insert(0, "chatsvc.web.middleware.CompressedStatic")
MEDIA_ROOT = ENV["MEDIA_ROOT"] or BASE_DIR / "var" / "media"


def _media_storage() -> dict[str, Any]:
    """Files of messages. Their names are made of ids, so writing again means writing the same."""
    if not ENV["MEDIA_S3_BUCKET"]:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"allow_overwrite": True}}
    given = {name: ENV[f"MEDIA_S3_{name.upper()}"] for name in ("region", "access_key", "secret_key")}
    names = {"region": "region_name"}
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": ENV["MEDIA_S3_BUCKET"],
            "endpoint_url": ENV["MEDIA_S3_ENDPOINT"] or None,
            "signature_version": "s3v4",
            "addressing_style": "path" if ENV["MEDIA_S3_ENDPOINT"] else "auto",
            "default_acl": None,
            "file_overwrite": True,
            **{names.get(name, name): value for name, value in given.items() if value},
        },
    }


STORAGES = {
    "default": _media_storage(),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "chatsvc.formats"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

UNFOLD = {
    "SITE_TITLE": "chatsvc",
    "SITE_HEADER": "chatsvc",
    "SITE_SUBHEADER": "Support console",
    "SITE_SYMBOL": "forum",
    "LOGIN": {"form": "tenants.console.login.LoginForm"},
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("admin/favicon.svg")},
    ],
    "SHOW_HISTORY": True,
    "SIDEBAR": SIDEBAR,
    "DASHBOARD_CALLBACK": "messaging.admin.overview.overview",
    "STYLES": [lambda request: static("admin/console.css")],
}

# ------------------------------------------------------------------------------ e-mail

vars().update(environ.Env.email_url_config(ENV["EMAIL_URL"] or "dummymail://"))
DEFAULT_FROM_EMAIL: str = ENV["EMAIL_FROM"]
EMAIL_TIMEOUT = 10  # seconds

# ----------------------------------------------------------------------------- logging

LOGGING_CONFIG = None  # structlog: chatsvc/observe/logs.py
from chatsvc.observe import logs  # noqa: E402

logs.configure(
    level=ENV["LOG_LEVEL"],
    form=ENV["LOG_FORMAT"],
    traced=bool(ENV["OTEL_EXPORTER_OTLP_ENDPOINT"]),
    service=ENV["SERVICE_NAME"],
)
if ENV["OTEL_EXPORTER_OTLP_ENDPOINT"]:
    from chatsvc.observe import traces

    traces.start(ENV["SERVICE_NAME"])
