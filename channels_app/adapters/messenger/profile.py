"""What a page shows before a person writes: greeting, "Get Started" and the persistent menu.

Owns these settings of a channel and the call that publishes them. Must not touch what the channel's
configuration does not name.
https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/messenger-profile-api
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from channels_app.content.types import HttpUrl

FIELDS = ("get_started", "greeting", "persistent_menu")


class MenuItem(BaseModel):
    """An entry of the persistent menu: sends ``payload`` back, or opens ``url``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1, max_length=30)
    payload: str = Field(default="", max_length=1000)
    url: HttpUrl | None = None

    @model_validator(mode="after")
    def complete(self) -> MenuItem:
        if bool(self.payload) == bool(self.url):
            raise ValueError("a menu item has either payload or url")
        return self

    def wire(self) -> dict[str, Any]:
        if self.url:
            return {"type": "web_url", "title": self.title, "url": self.url}
        return {"type": "postback", "title": self.title, "payload": self.payload}


def profile_of(get_started: str, greeting: str, menu: Sequence[MenuItem]) -> dict[str, Any]:
    """The page profile as the platform takes it; {} when nothing is set."""
    shown = {"locale": "default", "composer_input_disabled": False, "call_to_actions": [item.wire() for item in menu]}
    return {
        **({"get_started": {"payload": get_started}} if get_started else {}),
        **({"greeting": [{"locale": "default", "text": greeting}]} if greeting else {}),
        **({"persistent_menu": [shown]} if menu else {}),
    }


def differs(wanted: Any, found: Any) -> bool:
    """Whether ``found`` lacks something of ``wanted``; members the platform adds do not count."""
    if isinstance(wanted, Mapping):
        return not isinstance(found, Mapping) or any(differs(wanted[name], found.get(name)) for name in wanted)
    if isinstance(wanted, list):
        same_length = isinstance(found, list) and len(found) == len(wanted)
        return not same_length or any(map(differs, wanted, found))
    return bool(wanted != found)
