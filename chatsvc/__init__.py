"""How it is wired: settings, addresses, processes."""

from chatsvc.optional import missing, never

never("structlog.twisted", "httpx._main")  # a logger of Twisted's, a program for the command line
with missing("rich", "opentelemetry"):  # colours for a terminal, measures that the Redis client would take
    import redis  # noqa: F401
    import structlog  # noqa: F401

from chatsvc.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
