"""The clock's own Celery application: it sends the calls that are due, and needs neither the apps nor their tasks for it."""

from __future__ import annotations

from celery import Celery
from django.conf import settings

app = Celery("chatsvc", fixups=[])
app.config_from_object(settings.CELERY)
