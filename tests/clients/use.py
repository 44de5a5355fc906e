"""Uses the client that openapi-python-client made: the same steps as use.ts and use.go."""

from __future__ import annotations

import sys
import uuid

from chatsvc_client import AuthenticatedClient
from chatsvc_client.api.chat import conversation_message_list, message_send
from chatsvc_client.api.contacts import contact_change, contact_create, contact_get, contact_list
from chatsvc_client.models import (
    ChannelEnum,
    ContactBodyRequest,
    ContactBodyRequestPreferences,
    ContentRequest,
    ContentTypeEnum,
    ErrorAnswer,
    PatchedContactChangeRequest,
    SendMessageRequest,
)
from chatsvc_client.types import UNSET

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], raise_on_unexpected_status=True, timeout=30)

# What is sent again with its key is stored once.
message = SendMessageRequest(
    user_id="python", channel=ChannelEnum.WEB, content=ContentRequest(type_=ContentTypeEnum.TEXT, text="What are your hours?")
)  # fmt: skip
first, again = (message_send.sync(client=client, body=message, idempotency_key="python-1") for _ in range(2))
assert first.data.message_id == again.data.message_id
transcript = conversation_message_list.sync(first.data.conversation_id, client=client).data
assert [item.role for item in transcript.items].count("visitor") == 1

# A PATCH changes what it names.
preferences = ContactBodyRequestPreferences.from_dict({"color": "green"})
made = contact_create.sync(client=client, body=ContactBodyRequest(name="Mira", preferences=preferences)).data
changed = contact_change.sync(made.id, client=client, body=PatchedContactChangeRequest(name="Mira Braun")).data
assert (changed.name, changed.preferences.to_dict()) == ("Mira Braun", {"color": "green"})

# Every page of a list, and nothing twice.
seen, cursor = [], UNSET
while cursor is not None:
    page = contact_list.sync(client=client, page_size=1, cursor=cursor).data
    seen += [item.id for item in page.items]
    cursor = page.next_cursor
assert made.id in seen
assert len(seen) == len(set(seen)) > 1

# An error is decided by its code.
missing = contact_get.sync(uuid.uuid4(), client=client)
assert isinstance(missing, ErrorAnswer)
assert missing.error.code == "contact_not_found"
print("done")  # noqa: T201
