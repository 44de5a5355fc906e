"""What the owner of a channel decides beside its credentials: which features it has, and rules for what is written.

Owns these settings, which every kind has, and how they narrow what the kind can. Must not know any platform.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from channels_app.content.types import MAX_TEXT, Capabilities

MEDIA = frozenset({"image", "file", "audio", "video"})
PICKED = frozenset({"quick_reply", "list", "carousel"})


class CommonConfig(BaseModel):
    """What the channel of any kind can do without."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    #: title → fields that are seldom touched: the console shows them in sections of their own, closed
    folded: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    bot_answers: bool = Field(default=True, description="The assistant answers; off: every message waits for a human")
    show_typing: bool = Field(default=True, description="People see that an answer is being written")
    show_read: bool = Field(default=True, description="People see that their messages were read")


class ChannelConfig(CommonConfig):
    """Configuration and credentials of one channel: validated when saved, handed to the adapter.

    A subclass adds the kind's fields. Fields named in ``Adapter.secret_keys`` are encrypted at
    rest, masked in the console and redacted in traces.
    """

    rich_replies: bool = Field(default=True, description="Buttons, cards and lists as such; off: as numbered text")
    send_files: bool = Field(default=True, description="Pictures and other files as such; off: as links")
    plain_text: bool = Field(default=False, description="Without bold, italics and other markup")
    longest_text: int | None = Field(
        default=None, ge=40, le=MAX_TEXT, description="Characters of one message; longer ones are sent in several"
    )


FEATURES = ("bot_answers", "show_typing", "show_read", "rich_replies", "send_files")
FORMAT_RULES = ("plain_text", "longest_text")

#: setting → what it changes about the capabilities when it is not as by default
NARROWING: Mapping[str, Callable[[Capabilities, Any], dict[str, Any]]] = {
    "show_typing": lambda caps, on: {} if on else {"typing": False},
    "show_read": lambda caps, on: {} if on else {"read_marks": False},
    "rich_replies": lambda caps, on: (
        {}
        if on
        else {
            "types": caps.types - PICKED,
            "button_types": frozenset(),
            **dict.fromkeys(("max_buttons", "max_quick_replies", "max_list_rows", "max_cards"), 0),
        }
    ),
    "send_files": lambda caps, on: {} if on else {"types": caps.types - MEDIA},
    "plain_text": lambda caps, on: {"markdown": "none"} if on else {},
    "longest_text": lambda caps, most: (
        {name: min(getattr(caps, name), most) for name in ("max_text", "max_caption")} if most else {}
    ),
}


def narrowed(caps: Capabilities, stored: Mapping[str, Any]) -> Capabilities:
    """``caps`` as a channel with the stored, checked settings has them; the same object where none narrows them."""
    for name, change in NARROWING.items():
        changes = change(caps, stored[name]) if name in stored else {}
        caps = caps.model_copy(update=changes) if changes else caps
    return caps
