"""Bringing over what platforms say of their approved templates: the whole list, or one verdict.

Owns the rows of templates that belong to a channel. Must not render them.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import Any

import structlog
from django.db import IntegrityError

from channels_app.contract import RemoteTemplate, SendError, TemplateStatus
from channels_app.models import Channel, MessageTemplate
from channels_app.registry import KINDS, adapter_for
from channels_app.services import http_for
from channels_app.templates.resolve import tag_of, words_of
from tenants.scope import tenant_scope
from tenants.storage.db import atomic, key_taken, now, retried

log = structlog.get_logger(__name__)


def templates_sync(channel: Channel) -> int:
    """Make the channel's templates what the platform lists; returns how many there are. Those that are
    gone there go here, those that were written by hand stay. May run twice at once. Raises a SendError,
    and then nothing has changed."""
    listed = channel.adapter.templates(channel.adapter_config(), http_for(channel))
    at = now()
    by_name: dict[str, list[RemoteTemplate]] = defaultdict(list)
    for remote in listed:
        by_name[remote.name].append(remote)
    for name, remotes in by_name.items():
        variants = {remote.language: _variant(remote) for remote in remotes}
        _put(channel, name, variants=variants, category=remotes[0].category, synced_at=at, updated_at=at)
    gone = MessageTemplate.objects.filter(channel=channel, synced_at__lt=at).exclude(name__in=list(by_name))
    gone.delete()
    return len(by_name)


def templates_sync_all(tenant_id: uuid.UUID | None = None) -> list[tuple[Channel, int | None]]:
    """Every enabled channel of active tenants whose platform lists templates; None as the count of one that could not."""
    kinds = [kind for kind in KINDS if adapter_for(kind).lists_templates]
    # unscoped: a task over all tenants; each channel's work runs in the scope of its own
    channels = Channel.objects.unscoped().filter(enabled=True, kind__in=kinds, tenant__status="active")
    channels = channels.select_related("tenant")
    if tenant_id:
        channels = channels.filter(tenant_id=tenant_id)
    return [(channel, _tried(channel)) for channel in channels.order_by("tenant", "name")]


@retried
def template_status_apply(channel: Channel, verdict: TemplateStatus) -> bool:
    """Write down what the platform decided. False when we do not know the template: time for a sync."""
    rows = MessageTemplate.objects.filter(channel=channel, name=verdict.name)
    with atomic():
        if not rows.update(updated_at=now()):  # the UPDATE locks the row until the commit
            return False
        variants = rows.get().variants
        language = next((known for known in variants if tag_of(known) == tag_of(verdict.language)), None)
        if language is None:
            return False
        said = {**variants[language].get("external", {}), "status": verdict.status, "reason": verdict.reason}
        variants[language] = {**variants[language], "external": said}
        rows.update(variants=variants)
    return True


def _tried(channel: Channel) -> int | None:
    try:
        with tenant_scope(channel.tenant_id):
            return templates_sync(channel)
    except SendError as error:
        log.warning("templates_not_synced", channel=str(channel.id), code=error.code)
    except Exception as error:  # noqa: BLE001  one broken channel must not keep the others from their templates
        log.error("templates_sync_failed", channel=str(channel.id), error=type(error).__name__)
    return None


def _variant(remote: RemoteTemplate) -> dict[str, Any]:
    said = {
        "id": remote.platform_id,
        "status": remote.status,
        "reason": remote.reason,
        "unsupported": remote.unsupported,
    }
    return {"content": words_of(remote.text), "defaults": {}, "external": said}


def _put(channel: Channel, name: str, **fields: Any) -> None:
    rows = MessageTemplate.objects.filter(channel=channel, name=name)
    if rows.update(**fields):
        return
    try:
        MessageTemplate.objects.create(tenant_id=channel.tenant_id, channel=channel, name=name, **fields)
    except IntegrityError as error:  # another sync was quicker
        if not key_taken(error):
            raise
        rows.update(**fields)
