"""A channel's configuration is read once for each state of it, and read anew after any change."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.models import Channel, IncompleteChannel
from channels_app.services import channel_save
from tenants.models import Tenant
from tests.factories import ChannelFactory

SECRETS = {"access_token": "token-0123456789", "app_secret": "secret-0123456789", "verify_token": "verify-0123456789"}


@pytest.fixture
def channel() -> Channel:
    return Channel(kind="whatsapp", config={"phone_number_id": "1"}, secrets=dict(SECRETS))


def test_it_is_read_once(channel: Channel) -> None:
    assert channel.adapter_config() is channel.adapter_config()


CHANGES: dict[str, Any] = {
    "another config": lambda channel: setattr(channel, "config", {"phone_number_id": "2"}),
    "a member of the config": lambda channel: channel.config.update(phone_number_id="2"),
    "a secret": lambda channel: channel.secrets.update(access_token="token-of-another"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_read(channel: Channel, change: Any) -> None:
    before = channel.adapter_config()
    change(channel)
    after = channel.adapter_config()
    assert after != before
    assert after == Channel(kind="whatsapp", config=channel.config, secrets=channel.secrets).adapter_config()


def test_a_change_within_a_member_is_read() -> None:
    channel = Channel(kind="web", config={"allowed_origins": ["https://a.example"]})
    assert list(channel.adapter_config().allowed_origins) == ["https://a.example"]
    channel.config["allowed_origins"].append("https://b.example")
    assert list(channel.adapter_config().allowed_origins) == ["https://a.example", "https://b.example"]


def test_what_holds_no_more_is_refused_each_time(channel: Channel) -> None:
    channel.adapter_config()
    del channel.secrets["access_token"]
    for _ in range(2):
        with pytest.raises(IncompleteChannel):
            channel.adapter_config()


def test_a_setting_that_the_release_before_refuses_is_stored_only_when_it_says_something(scope: Tenant) -> None:
    channel = ChannelFactory(tenant=scope, kind="web")
    stored = []
    for on in (False, True):
        channel_save(channel, config={"title": "Help", "without_origin": on})
        stored.append({name: value for name, value in channel.config.items() if name != "allowed_origins"})
    assert stored == [{"title": "Help"}, {"title": "Help", "without_origin": True}]
