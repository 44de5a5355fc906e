"""What the first page of the console counts, and for whom (ADM-1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse

from conversations.models import Conversation
from tenants.access.permissions import ROLES
from tenants.models import Tenant
from tenants.storage.db import now
from tests.admin.conftest import World, url
from tests.factories import (
    ConversationFactory,
)


def test_the_first_page_counts_what_wants_attention(staff_of: Any, acme: World, globex: World) -> None:
    page = staff_of(acme.tenant).get(reverse("admin:index"))
    counts = {figure["title"]: figure["count"] for figure in page.context["figures"]}
    assert counts == {
        "Open conversations": "1", "Waiting": "0", "Mine": "0", "To review": "1", "Messages not delivered": "0",
        "Requests of platforms given up": "0", "Answers given up": "0", "Files given up": "0",
        "Webhook calls given up": "0",
        "Channels not well": "1", "Paused webhook endpoints": "0", "Events not handled": "1", "Alerts not sent": "1",
    }  # fmt: skip
    for figure in page.context["figures"]:
        listed = staff_of(acme.tenant).get(figure["link"])
        assert listed.status_code == 200
        shown = listed.context["rows"] if "/inbox/" in figure["link"] else listed.context["cl"].result_list
        assert str(len(shown)) == figure["count"]


def test_agents_do_not_see_the_figures_of_those_who_look_after_the_traffic(staff_of: Any, acme: World) -> None:
    page = staff_of(acme.tenant, ROLES["agent"]).get(reverse("admin:index"))
    assert [figure["title"] for figure in page.context["figures"]] == [
        "Open conversations", "Waiting", "Mine", "To review", "Messages not delivered", "Channels not well",
    ]  # fmt: skip


def test_the_first_page_counts_who_waits_as_the_inbox_does(staff_of: Any, tenant: Tenant, superuser: Client) -> None:
    """One rule for both: a person whom a colleague answers, whom the bot answers, or who is put off waits for none."""
    asked, later = {"is_open": True, "waiting_since": now()}, now() + timedelta(hours=1)
    human = {**asked, "control_owner": "human"}
    ConversationFactory(tenant=tenant, **human, held_by="queue")
    ConversationFactory(tenant=tenant, **human, held_by="queue", snoozed_until=later)
    ConversationFactory(tenant=tenant, **human, held_by="staff")
    ConversationFactory(tenant=tenant, **asked, control_owner="bot", held_by="bot")
    client = staff_of(tenant)
    figures = {figure["title"]: figure for figure in client.get(reverse("admin:index")).context["figures"]}
    assert (figures["Waiting"]["count"], figures["Waiting"]["link"]) == ("1", "/admin/inbox/?view=waiting")
    inbox = client.get(figures["Waiting"]["link"]).context
    assert (len(inbox["rows"]), inbox["views"][0]["count"]) == (1, "1")
    listed = superuser.get(f"{url(Conversation, 'changelist')}?waiting=yes")
    assert len(listed.context["cl"].result_list) == 1
    assert "less than a minute" in listed.content.decode()


def test_the_first_page_counts_only_what_one_may_read(staff_of: Any, acme: World) -> None:
    page = staff_of(acme.tenant, ("webhooks:read",)).get(reverse("admin:index"))
    assert [figure["title"] for figure in page.context["figures"]] == [
        "Webhook calls given up", "Paused webhook endpoints",
    ]  # fmt: skip
