"""Make the vectors of texts anew: see docs/knowledge.md."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from assistant.knowledge.indexed import articles_go_on
from assistant.vectors import texts
from assistant.vectors.lanes import BATCH, lane_go_on
from assistant.vectors.port import StoreAway
from assistant.vectors.reindex import lane_of, lane_take, messages_left, vectors_begin_anew
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(BaseCommand):
    help = "Make the vectors of messages and articles anew, tenant by tenant. Safe beside the service, and to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", default="", help="slug; of all without")
        way = parser.add_mutually_exclusive_group()
        way.add_argument(
            "--forget", action="store_true", help="take them away only: before VECTOR_STORE is set to another one"
        )
        way.add_argument(
            "--resume", action="store_true", help="take nothing away: go on with a run that was interrupted"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not texts.available():
            raise CommandError("ASSISTANT_MEANING=false: this service has no encoder, and so no vectors.")
        tenants = Tenant.objects.filter(status=Tenant.Status.ACTIVE).order_by("slug")
        if options["tenant"]:
            tenants = tenants.filter(slug=options["tenant"])
            if not tenants:
                raise CommandError(f"There is no active tenant {options['tenant']}.")
        for tenant in tenants:
            with tenant_scope(tenant.id):
                try:
                    self._tenant(tenant, forget=options["forget"], resume=options["resume"])
                except StoreAway as error:
                    raise CommandError(
                        f"The store of vectors does not answer ({error}). Run this again, with --resume."
                    ) from error

    def _tenant(self, tenant: Tenant, *, forget: bool, resume: bool) -> None:
        gone = 0
        if resume:
            lane_take()
        else:
            gone = vectors_begin_anew(lambda: True)
        if forget:
            self.stdout.write(f"{tenant.slug}: {gone} vectors taken away.")
            return
        with tqdm(total=messages_left(), desc=tenant.slug, leave=False, disable=None) as shown:
            count = lane_go_on(lane_of().id, lambda: _shown(shown), [articles_go_on])
        others = " Another run, or a worker of the service, goes on with the rest." if lane_of().claim else ""
        self.stdout.write(f"{tenant.slug}: {gone} vectors taken away, {count} made.{others}")


def _shown(bar: Any) -> bool:
    """Asked before every batch."""
    bar.update(min(BATCH, bar.total - bar.n))
    return True
