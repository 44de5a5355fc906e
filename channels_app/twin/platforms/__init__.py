"""Which platforms the twin plays: one line each. Must not hold anything but that."""

from __future__ import annotations

from channels_app.twin.platform import Platform
from channels_app.twin.platforms import messenger, slack, sms, teams, voice, webhook, whatsapp

PLATFORMS: dict[str, Platform] = {
    platform.kind: platform
    for platform in (
        whatsapp.PLATFORM,
        messenger.PLATFORM,
        slack.PLATFORM,
        teams.PLATFORM,
        webhook.PLATFORM,
        sms.PLATFORM,
        voice.PLATFORM,
    )
}
