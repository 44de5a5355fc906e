"""The Celery application, and what stands beside each worker. Tasks are wake-up calls for rows; they carry no truth."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, signals
from django.conf import settings

from chatsvc.observe import trail
from chatsvc.processes import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsvc.settings")
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # `migrate` and `check` do them; they import every address and page

broker.forgive()
app = Celery("chatsvc")
app.config_from_object(settings.CELERY)
app.autodiscover_tasks(["messaging"])
app.set_default()
trail.follow()


@signals.setup_logging.connect
def _logging_is_ours(**_: Any) -> None:
    """Celery leaves the loggers alone when this signal has a receiver: chatsvc/observe/logs.py has set them up."""


@signals.celeryd_after_setup.connect
def _beside(instance: Any, **_: Any) -> None:
    """Before the broker is called: it may be away when the worker starts."""
    from chatsvc.observe import metrics
    from chatsvc.processes import crews, embedded, garbage, standby

    queues = list(app.amqp.queues.consume_from)
    if embedded.ANSWERS in queues and not settings.ENV["MCP_ENGINE_URL"]:
        embedded.warm_up(models=True)
    shared_out = crews.Crews(queues, instance.concurrency)
    shared_out.start()
    beside = standby.Standby(app, queues=queues, threads=instance.concurrency)
    beside.start()
    metrics.serve(settings.ENV["METRICS_PORT"])
    signals.worker_shutting_down.connect(lambda **_: _stop(), weak=False)
    signals.worker_shutdown.connect(lambda **_: beside.stop(), weak=False)
    signals.worker_shutdown.connect(lambda **_: shared_out.stop(embedded.STOP_S), weak=False)
    garbage.stand()


def _stop() -> None:
    from messaging.shutdown import stopping

    stopping.set()
