"""The flow that a new conversation begins with: its intent, greeting and slots (CONV-10).

Owns which of a tenant's flows applies. Must not answer anything: what an intent means is the engine's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels_app.content.types import Content, text
from channels_app.models import Channel
from tenants.tenant_settings import Flow, settings_for

BEGINNING = "beginning"  # the stage of a conversation whose flow has not begun yet


def flow_for(channel: Channel, content: Content, metadata: Mapping[str, Any]) -> Flow | None:
    """The flow of a conversation that begins with this message: the one that names its starter (the payload of what
    was picked, the ``ref`` of the link or advertisement), else the channel (its key, then its kind), else the
    tenant's default; None without one."""
    chosen = settings_for(channel.tenant_id)
    if not chosen.flows:
        return None
    starters = _starters(content, metadata)
    by_starter = next((flow for flow in chosen.flows if starters & set(flow.starters)), None)
    by_channel = (flow for name in (channel.key, channel.kind) for flow in chosen.flows if name in flow.channels)
    by_default = (flow for flow in chosen.flows if flow.id == chosen.default_flow)
    return by_starter or next(by_channel, None) or next(by_default, None)


def context_of(flow: Flow) -> dict[str, Any]:
    """What a conversation with this flow has in mind before anything is said."""
    return {
        "flow_id": flow.id,
        "current_intent": flow.intent or None,
        "slots": dict(flow.slots),
        "conversation_stage": BEGINNING,
    }


def greeting_of(conversation: Any) -> tuple[Content, ...]:
    """What is said before the first reply; nothing later, or where the flow is gone or has no greeting."""
    flow_id = conversation.context.get("flow_id") if conversation.first_reply_at is None else None
    if not flow_id:
        return ()
    flows = settings_for(conversation.tenant_id).flows
    said = next((flow.greeting for flow in flows if flow.id == flow_id), "")
    return (text(said),) if said else ()


def _starters(content: Content, metadata: Mapping[str, Any]) -> set[str]:
    """By what a person may have come here: what they picked, the link or advertisement, what the caller tells."""
    found = {content.choice.value} if content.choice else set()
    found |= {content.origin.ref, content.origin.id} - {""} if content.origin else set()
    told = metadata.get("additional_data")
    return found | {part for part in told.values() if isinstance(part, str)} if isinstance(told, Mapping) else found
