"""Every setting of a tenant is a form with help, made from the model of the settings (ADM-1, TEN-2)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from channels_app.registry import KINDS
from messaging.admin.tenant.settings import ELSEWHERE, PARTS, sections
from tenants.models import AuditEntry, Tenant
from tenants.tenant_settings import AWAITED, TenantSettings, settings_for
from tests.channels_app.loopback import answers, http_answer, served
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db
NEW_FLOW = {f"flows-0-{name}": "" for name in ("id", "intent", "greeting", "channels", "starters")}


@pytest.fixture
def boss(tenant: Tenant, staff_of: Any) -> Client:
    return staff_of(tenant, ("tenants:read", "tenants:write"))


def address(tenant: Tenant, section: str) -> str:
    return f"/admin/tenants/tenant/{tenant.id}/settings/?section={section}"


def stored(tenant: Tenant) -> dict[str, Any]:
    return Tenant.objects.get(id=tenant.id).settings


def as_shown(client: Client, where: str) -> dict[str, Any]:
    """What a browser posts when nothing was changed on the page."""
    from html.parser import HTMLParser

    posted: dict[str, list[str]] = {}

    class Page(HTMLParser):
        area = select = ""
        inside = 0

        def handle_starttag(self, tag: str, given: Any) -> None:
            held = dict(given)
            if tag == "template":
                self.inside += 1
            if self.inside or "name" not in held and tag not in ("option",):
                return
            if tag == "textarea":
                self.area = held["name"]
                posted.setdefault(self.area, [""])
            elif tag == "select":
                self.select = held["name"]
            elif tag == "option" and self.select and "selected" in held:
                posted[self.select] = [held["value"]]
            elif tag == "input" and held.get("type") in ("checkbox", "radio"):
                if "checked" in held:
                    posted.setdefault(held["name"], []).append(held.get("value", "on"))
            elif tag == "input":
                posted.setdefault(held["name"], [held.get("value", "")])

        def handle_data(self, data: str) -> None:
            if self.area:
                posted[self.area][0] += data

        def handle_endtag(self, tag: str) -> None:
            if tag == "template":
                self.inside -= 1
            if tag == "textarea":
                self.area = ""

    page = Page()
    page.feed(client.get(where).content.decode())
    return {
        name: [value.removeprefix("\n").replace("\n", "\r\n") for value in values] for name, values in posted.items()
    }


def test_every_setting_has_a_place_and_is_told_of() -> None:
    placed = [name for _, names in sections().values() for name in names]
    assert sorted([*placed, *ELSEWHERE, *AWAITED]) == sorted(TenantSettings.model_fields)
    assert [name for name in placed if not PARTS[name]["description"]] == []


def test_words_of_forms_are_for_people(tenant, boss) -> None:
    """Neither our own ids nor members' names as code has them."""
    marks = re.compile(
        r"<(script|style|template|nav)\b.*?</\1>|<span[^>]*material-symbols[^>]*>.*?</span>|<[^>]*>", re.S
    )
    pages = {section: boss.get(address(tenant, section)).content.decode() for section in sections()}
    words = {section: marks.sub(" ", page.partition("<form")[2]) for section, page in pages.items()}
    found = {
        section: re.findall(r"\b[A-Z]{2,5}-\d+\b|\b[a-z]+_[a-z_]+\b|\b(?:usd|Usd|llm|Llm)\b|\bNone:", told)
        for section, told in words.items()
    }
    assert {section: names for section, names in found.items() if names} == {}
    assert "In turn: whose turn it is; Least busy: who has the fewest" in " ".join(words["assignment"].split())
    assert "all that are set up; one per line" in words["models"]


EVERYTHING: dict[str, Any] = {
    "languages": ["de", "en"], "region": "DE", "bot_name": "Ada", "agent_names": "full", "greeting": "Moin",
    "fallback_reply": "Later", "fallback_replies": {"de": "Gleich"},
    "assistant": {"high": 0.8, "handover_after": 3.0},
    "flows": [
        {"id": "sale", "intent": "buy", "greeting": "Hi", "slots": {"a": "1"}, "channels": ["web"], "starters": ["x", "y"]},
        {"id": "help", "intent": "", "greeting": "", "slots": {}, "channels": [], "starters": []},
    ],
    "default_flow": "help", "csat_enabled": False, "csat_channels": [kind for kind in KINDS if kind in ("web", "sms")],
    "queue_told_on": [kind for kind in KINDS if kind in ("whatsapp", "sms")],
    "retention_days": 30, "legal_hold": True, "stop_reply": "Bye", "help_reply": "Ask",
    "rate_limit": 100, "burst_limit": 20, "user_rate_limit": 10, "user_burst_limit": 5, "event_words": True,
    "features": {"assistant": False, "transcripts": True, "uploads": True, "typing": True, "read_marks": False},
    "alerts": {
        "email": False, "slack_webhook_url": "https://hooks.example.com/x", "webhook_url": "",
        "silent_after_hours": None, "silent_after_hours_of": {"shop": 5.0, "gone": None}, "quiet": ["late"], "bad_signatures": 7,
    },
}  # fmt: skip


@pytest.mark.parametrize("section", list(sections()))
def test_what_is_stored_is_shown_and_saving_it_unchanged_changes_nothing(tenant, boss, section: str) -> None:
    ChannelFactory(tenant=tenant, key="shop", name="Shop")
    tenant.settings = EVERYTHING
    tenant.save()
    answer = boss.post(address(tenant, section), as_shown(boss, address(tenant, section)))
    assert answer.status_code == 302, answer.context["form"].errors
    assert TenantSettings.model_validate(stored(tenant)) == TenantSettings.model_validate(EVERYTHING)


@pytest.mark.parametrize("section", list(sections()))
def test_what_holds_by_itself_is_stored_as_nothing(tenant, boss, section: str) -> None:
    assert boss.post(address(tenant, section), as_shown(boss, address(tenant, section))).status_code == 302
    assert stored(tenant) == {}


def test_what_is_entered_holds_and_the_rest_stays(tenant, boss) -> None:
    tenant.settings = {"bot_name": "Ada"}
    tenant.save()
    flow = {**NEW_FLOW, "flows-0-id": "sale", "flows-0-channels": "web\nsms", "flows-0-slots-0-key": "size",
            "flows-0-slots-0-value": "L"}  # fmt: skip
    assert boss.post(address(tenant, "assistant"), {**flow, "default_flow": "sale"}).status_code == 302
    assert stored(tenant)["bot_name"] == "Ada"
    (found,) = settings_for(tenant.id).flows
    assert (found.id, found.channels, found.slots) == ("sale", ("web", "sms"), {"size": "L"})
    assert AuditEntry.objects.unscoped().get(tenant=tenant, changes__about="settings")


def test_ratings_are_asked_for_on_channels_that_are_chosen_by_name(tenant, boss) -> None:
    shop = ChannelFactory(tenant=tenant, name="The shop")
    assert "The shop" in boss.get(address(tenant, "ratings")).content.decode()
    boss.post(address(tenant, "ratings"), {"csat_enabled": "on", "csat_channels": ["whatsapp", shop.key]})
    assert set(settings_for(tenant.id).csat_channels) == {"whatsapp", shop.key}


@pytest.mark.parametrize(
    ("section", "sent", "told"),
    [
        (
            "general",
            {"languages": "english!", "bot_name": "A", "agent_names": "first", "fallback_reply": "x"},
            "row 1: ",
        ),
        ("assistant", {**NEW_FLOW, "flows-0-id": "no good id"}, "row 1, ID: "),
        ("assistant", {"default_flow": "nope"}, "No flow has this id"),
        ("alerts", {"alerts-bad_signatures": "many"}, "Unproven requests: "),
    ],
    ids=["a list of texts", "a row", "what belongs together", "a number"],
)
def test_what_cannot_hold_is_told_where_it_stands(tenant, boss, section: str, sent: dict[str, str], told: str) -> None:
    answer = boss.post(address(tenant, section), sent)
    assert answer.status_code == 200
    assert told.lower() in answer.content.decode().lower()
    assert stored(tenant) == {}


def test_a_reader_sees_it_and_changes_nothing(tenant, staff_of) -> None:
    Tenant.objects.filter(id=tenant.id).update(
        settings={"alerts": {"webhook_url": "https://desk.example.com/in/secret"}}
    )
    reader = staff_of(tenant, ("tenants:read",))
    page = reader.get(address(tenant, "alerts")).content.decode()
    assert ("https://desk.example.com/…" in page, "secret" in page) == (True, False)
    assert ("Save</button>" in page, "disabled" in page) == (False, True)
    assert reader.post(address(tenant, "alerts"), {}).status_code == 403


TRIED = {
    "slack": ("slack", "slack_webhook_url", "200 OK", "Slack took the test."),
    "webhook": ("webhook", "webhook_url", "200 OK", "Your webhook took the test."),
    "gone": ("slack", "slack_webhook_url", "404 Not Found", "there is nothing at this address (404)"),
    "broken": ("webhook", "webhook_url", "500 Oops", "did not take the test: http_500"),
}


@pytest.mark.parametrize(("way", "field", "status", "said"), TRIED.values(), ids=TRIED)
def test_an_address_for_alerts_is_tried_before_it_is_saved(tenant, boss, settings, way, field, status, said) -> None:
    with served(answers(http_answer(status))) as hook:
        settings.ENV = {**settings.ENV, "OUTBOUND_ALLOW_HOSTS": [hook.authority]}
        form = {**as_shown(boss, address(tenant, "alerts")), f"alerts-{field}": f"{hook.url}/alerts", "test": way}
        page = boss.post(address(tenant, "alerts"), form).content.decode()
    assert (said in page, f"{hook.url}/alerts" in page, stored(tenant)) == (True, True, {})
    assert json.loads(hook.requests[0].partition(b"\r\n\r\n")[2])["text"].startswith("Acme: A test of your alerts")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "Enter the address of Slack first."),
        ("http://10.0.0.1/x", "only https addresses outside our own network are called"),
    ],
    ids=["none", "within"],
)
def test_no_address_within_our_network_is_tried(tenant, boss, url: str, said: str) -> None:
    form = {**as_shown(boss, address(tenant, "alerts")), "alerts-slack_webhook_url": url, "test": "slack"}
    assert said in boss.post(address(tenant, "alerts"), form).content.decode()


def test_another_tenants_settings_and_sections_that_do_not_exist_are_not_there(tenant, other_tenant, boss) -> None:
    assert boss.get(address(other_tenant, "general")).status_code in (302, 404)
    assert boss.get(address(tenant, "secrets")).status_code == 404


def test_what_is_stored_is_shown_as_it_stands_to_operators_only(tenant, boss, superuser) -> None:
    where = f"/admin/tenants/tenant/{tenant.id}/change/"
    assert ('name="settings"' in boss.get(where).content.decode(), 'name="settings"' in superuser.get(where).content.decode()) == (
        False, True,
    )  # fmt: skip
