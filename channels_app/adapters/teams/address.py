"""Where things lie at the platform: addresses of conversations, ids of messages, hosts that are trusted.

Owns the rule which address may see the bot's token. Must not call any of them.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

from channels_app.adapters.teams.config import TeamsConfig
from channels_app.contract import Rejected

#: strict on purpose: whatever two readers of URLs could read differently is no address at all
URL = re.compile(r"(https?)://([a-z0-9.-]+(?::\d{1,5})?)(/[\w.~%!$'()*+,;=:@/-]*)?", re.ASCII | re.IGNORECASE)
DIGEST = 12  # hex digits
MAX_ACTIVITY_ID = 180  # characters


def trusted(url: str, config: TeamsConfig) -> bool:
    """Whether the bot's token may be sent to ``url`` (without a query): https and a host of the
    configuration, or the origin of the configured API base itself."""
    found, own = URL.fullmatch(url), URL.fullmatch(config.api_base)
    if not found:
        return False
    scheme, host = found[1].lower(), found[2].lower()
    if own and (scheme, host) == (own[1].lower(), own[2].lower()):
        return True
    return scheme == "https" and any(_matches(host, pattern) for pattern in config.service_hosts)


def _matches(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def require_trusted(url: str, config: TeamsConfig) -> None:
    """Raise Rejected unless the token may go to ``url``."""
    if not trusted(url, config):
        raise Rejected("service_url_not_trusted", "the conversation lies on a host that is not among service_hosts")


def activities_url(service_url: str, conversation: str, reply_to: str = "") -> str:
    """Where to post an activity; with ``reply_to`` as the answer to that one."""
    url = f"{service_url.rstrip('/')}/v3/conversations/{quote(conversation, safe='')}/activities"
    return f"{url}/{quote(reply_to, safe='')}" if reply_to else url


def message_id(conversation: str, activity_id: str) -> str:
    """An id that is unique within the bot: the platform's own ids are milliseconds, unique within one
    conversation only. All threads of a team's channel count as one conversation. "" stays ""."""
    if not activity_id or len(activity_id) > MAX_ACTIVITY_ID:
        return ""
    place = conversation.partition(";messageid=")[0]
    return f"{activity_id}@{hashlib.sha256(place.encode()).hexdigest()[:DIGEST]}"


def activity_of(platform_id: str) -> str:
    """The platform's own id of a ``message_id``."""
    return platform_id.rpartition("@")[0] or platform_id
