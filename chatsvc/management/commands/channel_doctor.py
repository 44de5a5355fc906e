"""Examine every channel: how it fares, what is wrong, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser

from channels_app.models import Channel
from channels_app.registry import KINDS
from chatsvc.management.arguments import tenant_named
from chatsvc.management.making import TellingCommand
from messaging.health.report import ChannelReport, channel_report
from messaging.health.watch import channel_check
from tenants.scope import tenant_scope

COLUMNS = ("tenant", "channel", "kind", "state", "waiting", "last message", "since")


class Command(TellingCommand):
    help = "Ask every enabled channel's platform and say what is wrong and what to do. Exit code 1 when something is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", default="", metavar="SLUG", help="only of this tenant")
        parser.add_argument("--kind", default="", choices=sorted(KINDS), help="only of this kind")
        parser.add_argument("--json", action="store_true", help="print the reports as JSON and nothing else on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        reports = list(examined(options["tenant"], options["kind"]))
        if options["json"]:
            told = [{"tenant": tenant, **report.model_dump(mode="json")} for tenant, report in reports]
            self.stdout.write(json.dumps(told, indent=1))
        else:
            self.stdout.write("\n".join(written(reports)))
        if ill := sum(bool(report.problems) for _, report in reports):
            raise CommandError(f"{ill} of {len(reports)} channels need attention.")


def examined(tenant: str, kind: str) -> Iterator[tuple[str, ChannelReport]]:
    """(tenant's slug, report) of each channel; enabled ones are asked."""
    # unscoped: an operator's command over all tenants, or the named one
    channels = Channel.objects.unscoped().select_related("tenant").order_by("tenant__slug", "name")
    if tenant:
        channels = channels.filter(tenant=tenant_named(tenant, to_read=True))
    if kind:
        channels = channels.filter(kind=kind)
    for channel in channels:
        with tenant_scope(channel.tenant_id):
            asked = channel_check(channel) if channel.enabled else None
            yield channel.tenant.slug, channel_report(channel, asked)


def written(reports: list[tuple[str, ChannelReport]]) -> Iterator[str]:
    """A table, each channel's problems below its line."""
    if not reports:
        yield "There are no such channels."
        return
    rows = [_row(tenant, report) for tenant, report in reports]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    yield _line(COLUMNS, widths)
    yield _line(["─" * width for width in widths], widths)
    for row, (_, report) in zip(rows, reports, strict=True):
        yield _line(row, widths)
        for problem in report.problems:
            yield f"    ✗ {problem.what}"
            yield f"      → {problem.remedy}"


def _row(tenant: str, report: ChannelReport) -> tuple[str, ...]:
    last, since = (f"{at:%Y-%m-%d %H:%M}" if at else "—" for at in (report.last_inbound_at, report.since))
    return tenant, report.name, report.kind, report.state.replace("_", " "), str(report.waiting), last, since


def _line(cells: Any, widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
