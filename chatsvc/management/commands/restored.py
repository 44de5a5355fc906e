"""After a backup was put in place, before anything is started on it: see docs/backups.md."""

from __future__ import annotations

import time
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatsvc.observe import pulse
from chatsvc.processes.embedded import leases_reclaim
from conversations.models import Event
from messaging.housekeeping import restored
from tenants.models import ServiceProcess

SHOWN = 20


class Command(BaseCommand):
    help = "Say how far back a restored database is and what waits in it; then decide about that, before the start."

    def add_arguments(self, parser: CommandParser) -> None:
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--go-on", action="store_true", help="what waits is done: people may get some of it twice")
        choice.add_argument("--put-aside", action="store_true", help="what waits becomes a dead letter, for staff")
        parser.add_argument("--files", action="store_true", help="look for every file of which rows speak")

    def handle(self, *args: Any, **options: Any) -> None:
        self._show(options["files"])
        if not (options["go_on"] or options["put_aside"]):
            self.stdout.write("Nothing was changed. Choose --go-on or --put-aside: see docs/backups.md.")
            return
        _demand_alone()
        _empty_redis()
        aside = restored.put_aside() if options["put_aside"] else {}
        ServiceProcess.objects.exclude(id=pulse.mine.id).delete()  # they lived where the backup was taken
        leases_reclaim()
        for what, count in aside.items():
            self.stdout.write(f"{count} {what} put aside; `manage.py replay_dead_letters --what {what}` starts them.")
        self.stdout.write("Ready to be started.")

    def _show(self, files: bool) -> None:
        # unscoped: the backup is of all tenants
        newest = Event.objects.unscoped().order_by("-id").values_list("created_at", flat=True).first()
        when = f"{newest:%Y-%m-%d %H:%M:%S} UTC" if newest else "never"
        self.stdout.write(f"Last event in this database: {when}.")
        waits = ", ".join(f"{count} {name}" for name, count in restored.open_work().items() if count)
        self.stdout.write(f"Not finished then: {waits or 'nothing'}.")
        self._warn("secrets that no key of ENCRYPTION_KEYS opens", restored.secrets_unreadable())
        if files:
            self._warn("files that are not there", restored.files_missing())

    def _warn(self, what: str, found: list[str]) -> None:
        if found:
            names = ", ".join(found[:SHOWN]) + (" …" if len(found) > SHOWN else "")
            self.stderr.write(f"{len(found)} {what}: {names}.")


def _demand_alone() -> None:
    """Raises CommandError while another process works here. What only looks alive, since the backup is that young,
    does not write its row."""
    seen = {process.id: process.seen_at for process in pulse.mine.others()}
    if seen:
        time.sleep(2 * pulse.EVERY_S)
    alive = [str(process) for process in pulse.mine.others() if seen.get(process.id) != process.seen_at]
    if alive:
        raise CommandError(f"Stop first what works on this database: {'; '.join(alive)}.")


def _empty_redis() -> None:
    """Redis knows what happened after the backup (decision 0037). Raises CommandError when it does not answer."""
    if not settings.REDIS_URL:
        return
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=10, socket_connect_timeout=5) as client:
            client.flushdb()
    except (redis.RedisError, OSError) as error:
        raise CommandError(f"Redis could not be emptied ({type(error).__name__}): start it, or empty it.") from error
