"""The page that a visitor is on: told where the channel asks, kept with the visit, shown to staff who may see it (WEB-2, ADM-2)."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.adapters.web import WebConfig
from channels_app.models import Channel
from channels_app.selectors import channel_forget
from conversations.models import Conversation, Event, Session
from messaging.admin.inbox.contact import person_of
from messaging.live.staff import bell
from messaging.webchat import pages
from messaging.webchat import rules as webchat
from tenants.errors import ServiceError
from tests.messaging.webchat.clients import SHOP, outcome

pytestmark = pytest.mark.django_db(transaction=True)

CART = f"{SHOP}/cart"


@pytest.fixture(autouse=True)
def asks(channel: Channel) -> None:
    Channel.objects.unscoped().filter(id=channel.id).update(config={**channel.config, "pages": "path"})


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Conversations of which staff are told that the visitor is elsewhere by now."""
    found: list[str] = []
    tell = bell.tell

    def told(tenant_id: Any, frame: dict[str, Any]) -> None:
        found.extend([frame["conversation"]] if frame["t"] == "page" else [])
        tell(tenant_id, frame)

    monkeypatch.setattr(bell, "tell", told)
    return found


def kept() -> Any:
    device = Session.objects.unscoped().get().device
    return device.get("page"), device.get("page_left", False)


KEPT = {
    "path": ("path", f"{SHOP}/cart?basket=17#pay", CART),
    "full": ("full", f"{SHOP}/cart?basket=17#pay", f"{SHOP}/cart?basket=17#pay"),
    "no path": ("path", SHOP, f"{SHOP}/"),
    "a name and a password": ("full", "https://ana:secret@shop.example.com/cart", CART),
    "capitals": ("path", "HTTPS://Shop.Example.com/Cart", f"{SHOP}/Cart"),
    "script": ("full", "javascript:alert(1)", "invalid_page"),
    "a file": ("full", "file:///etc/passwd", "invalid_page"),
    "elsewhere": ("full", "https://evil.example/cart", "invalid_page"),
    "another port": ("full", f"{SHOP}:444/cart", "invalid_page"),
    "a port that is none": ("full", f"{SHOP}:99999999/cart", "invalid_page"),
    "a host that is none": ("full", "https://[::1/cart", "invalid_page"),
    "controls": ("path", f"{SHOP}/a\u202eb", "invalid_page"),
    "blanks": ("path", f"{SHOP}/a b", "invalid_page"),
    "as long as may be": ("path", f"{SHOP}/{'a' * (999 - len(SHOP))}", f"{SHOP}/{'a' * (999 - len(SHOP))}"),
    "longer": ("path", f"{SHOP}/{'a' * (1000 - len(SHOP))}", "invalid_page"),
    "not asked for": ("", CART, "page_not_wanted"),
}


@pytest.mark.parametrize(("asked", "address", "expected"), KEPT.values(), ids=KEPT)
def test_what_is_kept_of_an_address(asked: Any, address: str, expected: str) -> None:
    def cut() -> str:
        try:
            return pages.page_cut(WebConfig(allowed_origins=(SHOP,), pages=asked), address)
        except ServiceError as error:
            return error.code

    assert cut() == expected


async def settled(socket: Any) -> None:
    """All that the socket said before has been followed."""
    await socket.ask("pong", t="ping", n=1)


async def test_the_page_of_a_visitor_who_writes_is_kept_with_the_visit(ready, rows, moved) -> None:
    socket, _ = await ready()
    await socket.send_json_to({"t": "page", "url": f"{SHOP}/lamps"})
    await settled(socket)
    assert (await rows(Session.objects.count), moved) == (0, [])
    ack = await socket.say("Hello")
    assert await rows(kept) == (None, False)
    for address in (f"{SHOP}/lamps", f"{CART}?basket=17"):
        await socket.send_json_to({"t": "page", "url": address})
        await settled(socket)
        assert await rows(kept) == (address.partition("?")[0], False)
    assert moved == [ack["conversation"]] * 2
    (started,) = await rows(lambda: list(Event.objects.filter(type="chat.session.started")))
    assert started.payload["device_info"] == {"kind": "web"}


async def test_the_window_that_spoke_last_counts_and_one_that_closes_leaves_its_page_alone(ready, rows, moved) -> None:
    first, _ = await ready()
    await first.say("Hello")
    await first.send_json_to({"t": "page", "url": f"{SHOP}/lamps"})
    await settled(first)
    second, _ = await ready()
    await second.send_json_to({"t": "page", "url": CART})
    await settled(second)
    await first.disconnect()
    assert await rows(kept) == (CART, False)
    await second.disconnect()
    assert (await rows(kept), len(moved)) == ((CART, True), 3)
    third, _ = await ready()
    await third.send_json_to({"t": "page", "url": f"{SHOP}/lamps"})
    await settled(third)
    assert await rows(kept) == (f"{SHOP}/lamps", False)


async def test_a_channel_that_asks_for_none_keeps_none(ready, rows, channel) -> None:
    socket, _ = await ready()
    await socket.say("Hello")
    await rows(lambda: Channel.objects.filter(id=channel.id).update(config={**channel.config, "pages": ""}))
    await rows(channel_forget, channel)
    error = await socket.ask("error", t="page", url=CART)
    assert (error["code"], error["fatal"]) == ("page_not_wanted", False)
    assert await rows(kept) == (None, False)


def test_without_a_socket(page, scope, moved, monkeypatch) -> None:
    monkeypatch.setattr(pages, "EVERY_S", 3600.0)  # however slow this machine is
    page.begin()
    assert outcome(page.post({"t": "page", "url": CART})) == (200, None)
    assert not Session.objects.exists()
    page.say("Hello")
    assert page.post({"t": "page", "url": CART}).json()["data"] == {"t": "ack"}
    assert (kept(), len(moved)) == ((CART, False), 1)
    assert outcome(page.post({"t": "page", "url": "https://evil.example/"})) == (400, "invalid_page")
    answers = [outcome(page.post({"t": "page", "url": CART})) for _ in range(pages.AT_ONCE)]
    assert answers[-1] == (429, "rate_limited")


def shown(scope: Any) -> Any:
    return person_of(Conversation.objects.select_related("contact", "channel").get())["page"]


def test_staff_see_it_and_where_the_visitor_was_last(page, scope, channel) -> None:
    page.begin()
    page.say("Hello")
    assert shown(scope) == {}
    page.post({"t": "page", "url": CART})
    assert shown(scope) == {"address": CART, "left": False}
    visit = Session.objects.get()
    visitor = webchat.visitor_for(channel, page.token)
    assert pages.page_left(channel, visitor, visit.device["page_at"])
    assert shown(scope) == {"address": CART, "left": True}
    Channel.objects.filter(id=channel.id).update(config={**channel.config, "pages": ""})
    assert shown(scope) == {}


def test_a_page_makes_no_other_device(page, scope, api) -> None:
    page.begin()
    page.say("Hello")
    page.post({"t": "page", "url": CART})
    contact = Conversation.objects.get().contact_id
    (device,) = api(scope).get(f"/api/v2/contacts/{contact}/devices").json()["data"]["items"]
    assert device["device"] == {"kind": "web"}
