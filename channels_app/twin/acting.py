"""What a tester does through the twin: speak as a person, check the webhook address as a platform does.

Must not know HTTP: the control API and the tests call the same functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.world import World


def handshake(world: World, platform: str = "whatsapp") -> bool:
    """Check the webhook address as the platform does when it is saved."""
    check = PLATFORMS[platform].handshake
    if check is None:
        return False
    webhook, expected = check(world.settings[platform])
    status, body = world.callbacks.post(webhook)
    return status == 200 and body == expected


def say(world: World, words: Mapping[str, Any], platform: str = "whatsapp") -> str:
    """Act as a person: ``{"from", "text" | "message"}``. Returns the platform's message id; raises
    ValueError for words that say nothing."""
    message_id, webhooks = PLATFORMS[platform].say(world, words)
    world.call_back(platform, webhooks)
    return message_id
