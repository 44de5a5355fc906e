"""Worker and clock inside the server's process: what `manage.py serve` runs beside the web server.

Owns their threads and how they stop. Must not hold rules of messaging: the rows are the truth, and
this is only one of the processes that may work on them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from datetime import timedelta

import structlog
from celery import Celery, beat
from celery.worker import state as worker_state
from django.conf import settings
from django.db import connections

from assistant.embeddings.encoders import encoder, name_for
from assistant.intents.lessons import lessons
from channels_app.words.languages import likeliest
from chatsvc.observe.workers import queues
from chatsvc.processes import standby
from chatsvc.processes.crews import Crews
from messaging.shutdown import stopping
from messaging.sweep import GRACE, sweep
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tenants.tenant_settings import settings_for
from tenants.work.leases import reclaim

log = structlog.get_logger(__name__)

STOP_S = 15.0  # how long running tasks may take to end; what does not is found by the next start
WARM_TENANTS = 20
ANSWERS = "respond"  # the queue whose tasks need the assistants


class Embedded:
    """A Celery worker and beat in threads of this process.

    The worker serves every queue, without gossip, mingle and heartbeat: there is no other worker.
    """

    def __init__(self, app: Celery, threads: int):
        self._worker = app.WorkController(
            pool="threads",
            concurrency=threads,
            queues=queues(),
            use_eventloop=False,  # the reactor of the web server is the only loop of this process
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            loglevel="WARNING",
        )
        # The plain scheduler: entries come from the settings, and no file remembers them.
        self._beat = beat.Service(app, max_interval=1, scheduler_cls=beat.Scheduler)
        self._standby = standby.Standby(app, queues(), threads)
        self._crews = Crews(queues(), threads)
        self._worker_thread = threading.Thread(target=self._worker.start, name="worker", daemon=True)
        self._beat_thread = threading.Thread(target=self._beat.start, name="beat", daemon=True)

    def start(self) -> None:
        worker_state.should_stop = None
        stopping.clear()
        self._crews.start()
        self._worker_thread.start()
        self._beat_thread.start()
        self._standby.start()

    def stop(self) -> None:
        """Let running tasks end, at most STOP_S seconds. Unfinished rows keep their place either way."""
        self._beat.stop()
        stopping.set()
        worker_state.should_stop = os.EX_OK
        self._worker_thread.join(STOP_S)
        self._beat_thread.join(2)
        self._standby.stop()
        if not self._crews.stop(STOP_S) or self._worker_thread.is_alive():
            log.warning("worker_still_busy")


def take_up(others: Collection[object] = ()) -> int:
    """Wake what a stopped or killed process left behind; what ``others`` that live may hold is left to them.
    Returns the number of wake-ups."""
    if not settings.REDIS_URL and not others:
        leases_reclaim()
    return sweep()


def leases_reclaim() -> int:
    """End every lease. Only without a shared broker: then this process is the only worker, and those that
    held a lease are dead."""
    return reclaim(now() - GRACE - timedelta(seconds=1))


def warm_up(*, words: bool = False, models: bool = False) -> threading.Thread:
    """Load what the assistants have learnt, in the background; what they have not is learnt. With ``words`` the words by
    which languages are told come first; with ``models`` the SDKs of the providers and the tools that are set up come last. A process that
    answers only now and then does either when it needs to."""
    thread = threading.Thread(target=_warm_up, args=[words, models], name="warm-up", daemon=True)
    thread.start()
    return thread


def _warm_up(words: bool, models: bool) -> None:
    if words:
        likeliest("", frozenset())
    try:
        active = Tenant.objects.filter(status=Tenant.Status.ACTIVE).order_by("created_at")
        for tenant_id in active.values_list("id", flat=True)[:WARM_TENANTS]:
            with tenant_scope(tenant_id):
                lessons()
                if settings.ENV["ASSISTANT_MEANING"]:  # learnt already or not: the first text that needs it comes soon
                    encoder(name_for(settings_for(tenant_id).languages))
        if models and not settings.ENV["MCP_ENGINE_URL"]:
            from assistant.llm.providers.ready import sdks_load
            from assistant.tools.toolbox import sdk_load

            sdks_load()
            sdk_load()
    except Exception as error:  # noqa: BLE001  the first message does it instead
        log.warning("warm_up_failed", error=type(error).__name__)
    finally:
        connections.close_all()
