"""Train a tenant's assistant now, and say how well it does."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from assistant.builtin.evaluation import evaluate, train
from assistant.intents.lessons import second_looks_awaited
from chatsvc.management.arguments import tenant_named


class Command(BaseCommand):
    help = "Train the built-in assistant of a tenant, and with --evaluate measure it on held-out examples."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, help="slug of the tenant")
        parser.add_argument("--evaluate", action="store_true", help="measure precision, recall and confusion")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = tenant_named(options["tenant"])
        metrics = evaluate(tenant) if options["evaluate"] else None
        trained = train(tenant, metrics)
        second_looks_awaited()
        facts = trained.state["facts"]
        self.stdout.write(
            f"{tenant.slug}: {trained}, {len(trained.state['intents'])} intents, {facts} knowledge entries"
        )
        if metrics:
            self.show(metrics)

    def show(self, metrics: dict[str, Any]) -> None:
        self.stdout.write(f"{'intent':24} precision  recall      f1  examples")
        for name, found in metrics["intents"].items():
            numbers = f"{found['precision']:9.2f} {found['recall']:7.2f} {found['f1']:7.2f} {found['support']:9d}"
            self.stdout.write(f"{name:24} {numbers}")
        self.stdout.write(f"{'all':24} {metrics['precision']:9.2f} {metrics['recall']:7.2f}")
        for mistake in metrics["confusion"][:10]:
            taken = mistake["taken_for"] or "none"
            self.stdout.write(f"  {mistake['meant'] or 'none'} was taken for {taken}: {mistake['count']}")
