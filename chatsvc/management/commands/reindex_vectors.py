"""Make the vectors of texts anew: see docs/knowledge.md."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from assistant.knowledge.indexed import articles_go_on
from assistant.models import KnowledgeEntry, Vector
from assistant.vectors import texts
from assistant.vectors.lanes import lane_go_on
from assistant.vectors.port import StoreAway
from assistant.vectors.reindex import lane_of, vectors_begin_anew
from conversations.models import Message
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(BaseCommand):
    help = "Make the vectors of messages and articles anew, tenant by tenant. Safe beside the service, and to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", default="", help="slug; of all without")
        parser.add_argument(
            "--forget", action="store_true", help="take them away only: before VECTOR_STORE is set to another one"
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
                    self._tenant(tenant, forget_only=options["forget"])
                except StoreAway as error:
                    raise CommandError(f"The store of vectors does not answer ({error}). Run this again.") from error

    def _tenant(self, tenant: Tenant, *, forget_only: bool) -> None:
        gone = vectors_begin_anew(lambda: True)
        if forget_only:
            self.stdout.write(f"{tenant.slug}: {gone} vectors taken away.")
            return
        total = Message.objects.count() + KnowledgeEntry.objects.count()
        with tqdm(total=total, desc=tenant.slug, leave=False, disable=None) as shown:
            count = lane_go_on(lane_of().id, lambda: _shown(shown), [articles_go_on])
        self.stdout.write(f"{tenant.slug}: {gone} vectors taken away, {count} made.")


def _shown(bar: Any) -> bool:
    """Asked before every batch: how much there is by now."""
    bar.n = min(bar.total, Vector.objects.count())
    bar.refresh()
    return True
