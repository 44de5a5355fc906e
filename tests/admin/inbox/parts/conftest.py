"""The person of `acme` can be answered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversations.models import Conversation
from tenants.storage.db import now
from tests.admin.conftest import World, rows


@pytest.fixture(autouse=True)
def open_window(acme: World) -> None:
    rows(Conversation).filter(pk=acme.conversation.pk).update(reply_window_expires_at=now() + timedelta(hours=2))
