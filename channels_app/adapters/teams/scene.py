"""One activity with what every reader of it needs: where, when, by whom.

Owns who a person is: (directory, object id), the bot's own id for them as an alias. Must not judge what
the activity means.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from channels_app.adapters.teams.address import message_id
from channels_app.adapters.teams.config import TeamsConfig
from channels_app.adapters.wire import array, identifier, obj, string
from channels_app.contract import Ignored, InboundItem, Sender, Signal
from channels_app.words.moments import moment_of_iso


@dataclass(frozen=True)
class Scene:
    """``tenant`` is the directory, "" where the activity names none."""

    activity: dict[str, Any]
    conversation: str
    tenant: str
    platform_id: str  # "" where the activity has no id
    author: Sender | None
    at: datetime | None
    config: TeamsConfig

    def id(self, part: str) -> str:
        """The id of one of several items."""
        return f"{self.platform_id}#{part}" if self.platform_id else ""

    def signal(self, kind: str, who: Sender | None, part: str = "", *, opens: bool = False, **data: Any) -> InboundItem:
        platform_id = self.id(part) if part else self.platform_id
        if who is None:
            return Ignored("no_sender", platform_id)
        facts = {"conversation_type": string(self.activity, "conversation", "conversationType", limit=40), **data}
        return Signal(kind, who, platform_id, self.conversation, self.at, {k: v for k, v in facts.items() if v}, opens)


def scene_of(activity: dict[str, Any], config: TeamsConfig) -> Scene:
    conversation = identifier(activity, "conversation", "id")
    tenant = identifier(activity, "channelData", "tenant", "id") or identifier(activity, "conversation", "tenantId")
    return Scene(
        activity=activity,
        conversation=conversation,
        tenant=tenant,
        platform_id=message_id(conversation, identifier(activity, "id")),
        author=person(obj(activity, "from"), tenant, activity),
        at=moment_of_iso(string(activity, "timestamp", limit=40)),
        config=config,
    )


def person(account: Any, tenant: str, activity: Any = None) -> Sender | None:
    """By directory object where the platform names it, for the other id is another one for every bot."""
    user = identifier(account, "id")
    object_id = identifier(account, "aadObjectId") or identifier(account, "objectId")
    if not (object_id or user) or user.startswith("28:"):
        return None
    client: Any = next((one for one in array(activity, "entities") if string(one, "type") == "clientInfo"), {})
    facts = {
        "locale": string(activity, "locale", limit=20),
        "country": string(client, "country", limit=20),
        "timezone": string(client, "timezone", limit=60),
    }
    return Sender(
        "teams",
        object_id or user,
        scope=tenant,
        name=string(account, "name", limit=255),
        profile={name: found for name, found in facts.items() if found},
        aliases=(("teams", tenant, user),) if object_id and user else (),
    )
