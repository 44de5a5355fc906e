"""How it is wired: settings, addresses, processes."""

from chatsvc.celery import app as celery_app

__all__ = ["celery_app"]
