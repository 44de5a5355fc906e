"""Two who change the same thing at the same time: what each of them has changed is there afterwards, and what was deleted
stays away (API-4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from channels_app import services
from messaging.agents import members
from messaging.agents.models import CannedReply, Label
from messaging.api.agents import canned_views, team_views
from tenants.models import Membership, Team
from tests.factories import ChannelFactory, MembershipFactory

pytestmark = pytest.mark.django_db(transaction=True)

#: place → makes a row, which function of which module reads it before it is changed, two changes that are apart
KINDS: dict[str, tuple[Callable[[Any], Any], Any, str, dict[str, Any], dict[str, Any]]] = {
    "teams": (
        lambda tenant: Team.objects.create(tenant=tenant, name="Returns"),
        team_views, "team_get", {"name": "Refunds"}, {"languages": ["de"]},
    ),
    "labels": (
        lambda tenant: Label.objects.create(tenant=tenant, name="Returns", color="red"),
        team_views, "label_get", {"name": "Refunds"}, {"color": "green"},
    ),
    "canned-replies": (
        lambda tenant: CannedReply.objects.create(
            tenant=tenant, shortcut="hi", title="Hi", content={"type": "text", "text": "Hello"}
        ),
        canned_views, "canned_get", {"title": "Hello"}, {"language": "de"},
    ),
}  # fmt: skip


@pytest.fixture
def client(api: Any, scope: Any) -> Any:
    return api(scope)


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def kind(request) -> Any:
    return request.param


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``meanwhile(module, "team_get", act)``: ``act`` is done by another process just after the first call."""

    def arrange(module: Any, name: str, act: Callable[[], Any]) -> None:
        called = getattr(module, name)

        def first(*arguments: Any, **options: Any) -> Any:
            found = called(*arguments, **options)
            monkeypatch.setattr(module, name, called)
            act()
            return found

        monkeypatch.setattr(module, name, first)

    return arrange


def place_of(row: Any) -> str:
    return {Team: "teams", Label: "labels", CannedReply: "canned-replies"}[type(row)]


def test_each_change_stays(client, scope, kind, meanwhile) -> None:
    makes, module, reads, mine, theirs = kind
    row = makes(scope)
    address = f"/api/v2/{place_of(row)}/{row.id}"
    meanwhile(module, reads, lambda: client.patch(address, theirs))
    changed = client.patch(address, mine)
    assert changed.status_code == 200
    row.refresh_from_db()
    both = {**mine, **theirs}
    assert {name: getattr(row, name) for name in both} == both


def test_what_was_deleted_meanwhile_stays_away(client, scope, kind, meanwhile) -> None:
    makes, module, reads, mine, _ = kind
    row = makes(scope)
    address = f"/api/v2/{place_of(row)}/{row.id}"
    meanwhile(module, reads, lambda: client.delete(address))
    assert client.patch(address, mine).status_code == 404
    assert not type(row).objects.filter(id=row.id).exists()


def test_settings_of_a_channel_are_joined(client, scope, meanwhile) -> None:
    row = ChannelFactory(tenant=scope, kind="web", name="Site", config={"allowed_origins": ["https://x.example"]})
    address = f"/api/v2/channels/{row.id}"
    theirs = {"config": {"title": "Ask us"}, "rate_per_second": 3}
    meanwhile(services, "channel_fill", lambda: client.patch(address, theirs))
    assert client.patch(address, {"config": {"triggers_a_day": 2}, "name": "Shop"}).status_code == 200
    row.refresh_from_db()
    assert row.config == {"allowed_origins": ["https://x.example"], "title": "Ask us", "triggers_a_day": 2}
    assert (row.name, row.rate_per_second) == ("Shop", 3)


def test_a_channel_that_is_disconnected_meanwhile_stays_so(client, scope, meanwhile) -> None:
    row = ChannelFactory(tenant=scope, kind="web", config={"allowed_origins": ["https://x.example"]})
    address = f"/api/v2/channels/{row.id}"
    meanwhile(services, "channel_fill", lambda: client.delete(address))
    refused = client.patch(address, {"name": "Shop"})
    assert (refused.status_code, client.error_of(refused)["code"]) == (400, "channel_disconnected")


def test_what_a_colleague_takes_is_joined(client, scope, meanwhile) -> None:
    member = MembershipFactory(tenant=scope)
    address = f"/api/v2/members/{member.user_id}/desk"
    meanwhile(members, "member_get", lambda: client.patch(address, {"capacity": 3}))
    assert client.patch(address, {"languages": ["de"]}).status_code == 200
    desk = Membership.objects.get(id=member.id).desk
    assert (desk["capacity"], desk["languages"]) == (3, ["de"])
