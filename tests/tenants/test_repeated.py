"""No list takes an entry twice, whatever sets it; what was stored before is read (TEN-2, ADM-1)."""

from __future__ import annotations

import pytest
from django import forms

from channels_app.models import Channel
from channels_app.services import channel_fill
from tenants.console.pages.fields import LinesField
from tenants.errors import Invalid
from tenants.models import Tenant
from tenants.tenant_settings import settings_for
from tenants.tenant_settings.check import settings_check

pytestmark = pytest.mark.django_db

LISTS = {
    "languages": ({"languages": ["de", "en", "de"]}, "languages.2", "“de”"),
    "languages in another case": ({"languages": ["pt-BR", "pt-br"]}, "languages.1", "“pt-br”"),
    "safety words": ({"safety": {"words": ["heck", "Heck"]}}, "safety.words.1", "“Heck”"),
    "safety kinds": ({"safety": {"mask": ["email", "email"]}}, "safety.mask.1", "“email”"),
    "safety of replies": ({"safety": {"replies": {"alert": ["email", "email"]}}}, "safety.replies.alert.1", "“email”"),
    "what providers never get": ({"provider_mask": ["iban", "iban"]}, "provider_mask.1", "“iban”"),
    "channels that are told": ({"queue_told_on": ["web", "web"]}, "queue_told_on.1", "“web”"),
    "channels that are asked": ({"csat_channels": ["sms", "web", "sms"]}, "csat_channels.2", "“sms”"),
    "models": ({"allowed_models": ["m", "m"]}, "allowed_models.1", "“m”"),
    "quiet alerts": ({"alerts": {"quiet": ["late", "late"]}}, "alerts.quiet.1", "“late”"),
    "starters of a flow": ({"flows": [{"id": "a"}, {"id": "b", "starters": ["x", "x"]}]}, "flows.1.starters.1", "“x”"),
}


@pytest.mark.parametrize(("given", "field", "named"), LISTS.values(), ids=LISTS)
def test_a_setting_names_the_entry_that_stands_there_twice(given, field, named) -> None:
    with pytest.raises(Invalid) as refused:
        settings_check(given)
    [problem] = refused.value.details
    assert (refused.value.code, problem["field"], problem["code"]) == ("invalid_settings", field, "repeated")
    assert named in problem["message"]


def test_each_of_several_is_named() -> None:
    with pytest.raises(Invalid) as refused:
        settings_check({"safety": {"words": ["a", "b", "a", "b", "a"]}})
    assert [one["field"] for one in refused.value.details] == ["safety.words.2", "safety.words.3", "safety.words.4"]


def test_a_payload_in_another_case_is_another_one() -> None:
    assert settings_check({"flows": [{"id": "a", "starters": ["Sale", "sale"]}]}).flows[0].starters == ("Sale", "sale")


def test_what_was_stored_before_is_read(tenant) -> None:
    Tenant.objects.filter(id=tenant.id).update(settings={"languages": ["de", "de"]})
    assert settings_for(tenant.id).languages == ("de", "de")


def test_the_setting_of_a_channel_names_it_too(scope) -> None:
    config = {"allowed_origins": ["https://a.example", "https://b.example", "https://a.example"]}
    with pytest.raises(Invalid) as refused:
        channel_fill(Channel(tenant=scope, kind="web"), config)
    [problem] = refused.value.details
    assert (refused.value.code, problem["field"]) == ("invalid_channel", "allowed_origins.2")


@pytest.mark.parametrize("field", ["languages", "skills"])
def test_a_team_names_it_too(api, tenant, scope, field) -> None:
    answer = api(tenant).post("/api/v2/teams", {"name": "Sales", field: ["de", "DE" if field == "skills" else "de"]})
    assert answer.status_code == 400
    [problem] = api(tenant).error_of(answer)["details"]
    assert (problem["field"], problem["code"]) == (field, "repeated")


def test_a_list_of_the_console_names_every_line() -> None:
    with pytest.raises(forms.ValidationError) as refused:
        LinesField().clean("de\nen\n de\nen\nde")
    assert refused.value.messages == ["“de” stands in the list twice.", "“en” stands in the list twice."]
