"""The console's page on files of messages; its verb is in messaging/media/fetch.py.

Must not show what a file holds: that needs its signed link.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from unfold.decorators import display

from channels_app.admin import ChannelFilter
from conversations.models import Attachment
from messaging.media.fetch import files_replay
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button, TenantAdmin


@admin.register(Attachment)
class AttachmentAdmin(TenantAdmin):
    """Files of messages: where they are, and why one was not kept."""

    personal = True
    resource = "messages"
    deeds = frozenset()
    buttons = (Button("fetch", "Fetch again", "replay"),)
    actions = ("fetch",)
    fields = ("tenant", "channel", "message", "kind", "standing", "reason", "name", "mime", "size_shown", "width",
              "height", "sha256", "transcript", "attempts", "due_at", "created_at")  # fmt: skip
    readonly_fields = ("standing", "size_shown")
    list_display = ("created_at", "__str__", "kind", "size_shown", "standing", "reason", "tenant")
    list_filter = ("state", "kind", ChannelFilter, TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("name", "mime")

    @display(
        description="State",
        label={"stored": "success", "remote": "info", "refused": "danger", "failed": "danger"},
        ordering="state",
    )
    def standing(self, file: Attachment) -> str:
        return file.state

    @display(description="Size", ordering="size")
    def size_shown(self, file: Attachment) -> str:
        return filesizeformat(file.size) if file.size is not None else "—"

    def has_write_permission(self, request: HttpRequest) -> bool:
        return self.allowed(request, "write")

    def buttons_of(self, request: HttpRequest, row: Attachment) -> Any:
        return super().buttons_of(request, row) if row.state == Attachment.State.FAILED else ()

    def do_fetch(self, request: HttpRequest, file: Attachment) -> str:
        if not files_replay(Attachment.objects.filter(id=file.id)):
            return ""
        self.note(request, "replayed", file)
        return "The file will be fetched again."

    @admin.action(description="Fetch again", permissions=["write"])
    def fetch(self, request: HttpRequest, queryset: Any) -> None:
        self.do(request, "fetch", queryset)
