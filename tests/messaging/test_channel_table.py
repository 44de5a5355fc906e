"""docs/channels/table.md says what goes through each channel, for every kind in the registry (MSG-8, CH-10)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, get_args

import pytest

from channels_app.content.types import ContentType
from channels_app.registry import KINDS, adapter_for
from messaging.turns import thinking
from tests.adapters.kit import kit_for
from tests.factories import ChannelFactory, MembershipFactory, RoleFactory, UserFactory
from tests.messaging import channel_table

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = Path(__file__).parents[2] / "docs/channels/table.md"


def section_in(page: str, kind: str) -> str:
    return next((part for part in page.split("\n## ")[1:] if part.startswith(adapter_for(kind).label + "\n")), "")


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_says_what_goes_through(
    kind: str, scope: Any, client: Any, api: Any, monkeypatch: Any, reachable: Any
) -> None:
    engine = channel_table.Listening()
    monkeypatch.setattr(thinking, "engine_for", lambda settings: engine)
    user = UserFactory(is_superuser=True)
    MembershipFactory(tenant=scope, user=user, role=RoleFactory(tenant=scope, permissions=["*"]))
    client.force_login(user)
    key = api(scope)

    def channel() -> Any:
        config = kit_for(kind).config
        hidden = adapter_for(kind).secret_keys
        return ChannelFactory(
            tenant=scope, kind=kind, config={name: value for name, value in config.items() if name not in hidden},
            secrets={name: value for name, value in config.items() if name in hidden},
        )  # fmt: skip

    incoming = {
        sort: channel_table.came_in(channel(), item, client, key, engine)
        for sort, item in channel_table.sorts_of(kind).items()
    }
    outgoing = {name: channel_table.went_out(channel(), content) for name, content in channel_table.SAMPLES.items()}
    outgoing |= channel_table.changed(channel(), key)
    seen = channel_table.section(kind, incoming, outgoing).removeprefix("\n## ")
    if os.environ.get("CHANNEL_TABLE") == "write":
        old = PAGE.read_text() if PAGE.exists() else ""
        kept = {one: section_in(old, one) for one in KINDS} | {kind: seen}
        PAGE.write_text(channel_table.HEAD + "".join(f"\n## {part.strip()}\n" for part in kept.values() if part))
    assert section_in(PAGE.read_text(), kind).strip() == seen.strip()


def test_every_type_of_content_is_on_the_page() -> None:
    assert set(get_args(ContentType)) <= {content.type for content in channel_table.SAMPLES.values()}


def test_the_page_has_a_section_of_every_kind_and_nothing_else() -> None:
    page = PAGE.read_text()
    assert page.startswith(channel_table.HEAD)
    assert [part.partition("\n")[0] for part in page.split("\n## ")[1:]] == [adapter_for(kind).label for kind in KINDS]
