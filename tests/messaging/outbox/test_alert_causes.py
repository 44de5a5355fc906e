"""What goes wrong on the journey reaches staff, and what our own handler broke on is handled again in three ways: console,
REST, command (EVT-5, EVT-6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from channels_app.contract import Rejected
from channels_app.models import Channel
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.deliver import deliver
from messaging.models import HandledEvent, InboundEvent, StaffAlert, Turn
from messaging.outbox import handlers
from messaging.publish import publish_events
from messaging.respond import respond
from messaging.turns import thinking
from tenants.models import Tenant
from tenants.storage.db import now
from tests.factories import MembershipFactory, RoleFactory, UserFactory
from tests.messaging.arrivals import arrives

pytestmark = pytest.mark.django_db(transaction=True)


class Down:
    name = "remote"

    def respond(self, request: Any) -> Any:
        raise ConnectionError("no engine there")


@pytest.fixture
def happens(
    scope: Tenant, whatsapp: Channel, said: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> Callable[[str], None]:
    """``happens("engine")``: what leads to such an alert, on the journey itself."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

    def escalation() -> None:
        accept(whatsapp, said("a person, please", id="wamid.1"), Entrance(hints={"bypass_automation": True}))

    def engine() -> None:
        monkeypatch.setattr(thinking, "engine_for", lambda settings: Down())
        accept(whatsapp, said("hello", id="wamid.1"), Entrance())
        Turn.objects.update(due_at=now())
        respond(Turn.objects.get().id)

    def dead_letter() -> None:
        def refuse(*_: Any) -> None:
            raise Rejected("131026", "The person has no WhatsApp.")

        monkeypatch.setattr(type(whatsapp.adapter), "send", refuse)
        stored = accept(whatsapp, said("what are your opening hours?", id="wamid.1"), Entrance())
        Turn.objects.update(due_at=now())
        respond(Turn.objects.get().id)
        deliver(stored.conversation.id)

    def malformed() -> None:
        assert arrives(whatsapp, ["no webhook at all"]).status == InboundEvent.Status.MALFORMED

    return lambda name: {
        "escalation": escalation,
        "engine": engine,
        "dead letter": dead_letter,
        "malformed": malformed,
    }[name]()


TOLD = {
    "escalation": "A person waits for a colleague on WhatsApp",
    "engine": "The assistant does not answer",
    "dead letter": "Messages could not be delivered",
    "malformed": "A platform sent what could not be understood",
}


def told() -> list[str]:
    return list(StaffAlert.objects.values_list("subject", flat=True))


@pytest.mark.parametrize("cause", TOLD)
def test_staff_are_told(happens, cause: str) -> None:
    happens(cause)
    publish_events()
    assert TOLD[cause] in told()


def by_console(tenant: Tenant, failure: HandledEvent) -> None:
    user = UserFactory()
    MembershipFactory(tenant=tenant, user=user, role=RoleFactory(tenant=tenant, permissions=["*"]))
    console = Client()
    console.force_login(user)
    console.post(reverse("admin:messaging_handledevent_do", args=[failure.id, "retry"]))


def by_command(tenant: Tenant, failure: HandledEvent) -> None:
    call_command("replay_dead_letters", tenant=tenant.slug, what="handlers", all=True)


@pytest.mark.parametrize("way", ["console", "rest", "command"])
@pytest.mark.parametrize("cause", TOLD)
def test_what_the_handler_broke_on_is_handled_again(happens, monkeypatch, scope, api, cause: str, way: str) -> None:
    def by_rest(tenant: Tenant, failure: HandledEvent) -> None:
        assert api(tenant).post(f"/api/v2/events/failed/{failure.id}/retry").json()["data"]["worked"] is True

    def broken(events: Any) -> None:
        raise KeyError("missing")

    happens(cause)
    with monkeypatch.context() as while_broken:
        while_broken.setitem(handlers.HANDLERS, "notification", broken)
        publish_events()
    failures = list(HandledEvent.objects.filter(handler="notification", error="KeyError"))
    assert (told(), bool(failures)) == ([], True)
    for failure in failures:
        {"console": by_console, "rest": by_rest, "command": by_command}[way](scope, failure)
    assert TOLD[cause] in told()
    assert not HandledEvent.objects.filter(error__gt="").exists()
