"""What an MCP server offers, as it is put on a tenant's list (AI-8).

Owns what is asked of the server within a request, and how one of its tools becomes a row. Must not speak the protocol
(assistant/tools/mcp_servers.py).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection

from assistant.tools.arguments import BadSchema, schema_check
from assistant.tools.listing import is_ours, tool_create, url_check
from assistant.tools.mcp_servers import Offered, ServerError, offered_by
from assistant.tools.models import Tool
from channels_app.http.waiting import ASK_S, asking
from tenants.errors import Unprocessable

MOST_NAME, MOST_TITLE, MOST_DESCRIPTION, MOST_REMOTE = 60, 80, 1000, 128  # characters of Tool's columns


def offered_asked(url: str, token: str) -> list[Offered]:
    """What the server lists now. Raises Invalid for an address that may not be called, Unprocessable ``mcp_server_unusable``,
    TooMany ``busy``."""
    url_check(url)
    try:
        with asking():
            return offered_by(url, token, ASK_S)
    except ServerError as error:
        raise Unprocessable(
            "The server gave no list of tools.", code="mcp_server_unusable", details={"reason": error.code}
        ) from error


def unusable(offered: Offered) -> str:
    """Why it cannot be put on the list as it is; "" where it can."""
    if len(offered.name) > MOST_REMOTE:
        return f"Its name has more than {MOST_REMOTE} characters."
    try:
        schema_check(offered.schema)
    except BadSchema as error:
        return str(error)
    return ""


def mark_of(offered: Offered) -> str:
    """The same as long as the server says the same of it: what was read is what is put on the list."""
    told = [offered.name, offered.title, offered.description, offered.schema]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def name_for(remote: str, taken: Collection[str]) -> str:
    """What the model calls it by: its name at the server in our letters, with a number where that is taken."""
    plain = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", remote).lower()).strip("_")
    plain = plain if plain[:1].isalpha() else f"tool_{plain}".strip("_")
    plain = f"mcp_{plain}" if is_ours(plain) else plain
    ends = ("", *(f"_{number}" for number in range(2, len(taken) + 3)))
    return next(name for end in ends if (name := plain[: MOST_NAME - len(end)] + end) not in taken)


def offered_take(offered: Offered, url: str, token: str) -> Tool:
    """Put it on the list of the tenant in scope, to be asked about before each call: that it only reads is what the server claims.
    Raises as `tool_create`."""
    taken = set(Tool.objects.values_list("name", flat=True))
    title = offered.title or offered.name
    return tool_create(
        name=name_for(offered.name, taken), kind=Tool.Kind.MCP, title=title[:MOST_TITLE],
        description=(offered.description or title)[:MOST_DESCRIPTION], schema=dict(offered.schema), url=url,
        remote=offered.name, secret=token, changes=True,
    )  # fmt: skip
