"""The Celery application. Tasks are wake-up calls for rows; they carry no truth."""

from __future__ import annotations

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsvc.settings")

app = Celery("chatsvc")
app.config_from_object(settings.CELERY)
app.autodiscover_tasks(["messaging"])
app.set_default()
