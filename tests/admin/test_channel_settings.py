"""The console's page of a channel has what its owner decides in sections of their own, and keeps it (CH-9)."""

from __future__ import annotations

import pytest

from channels_app.models import Channel
from tests.factories import ChannelFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client):
    client.force_login(UserFactory(is_superuser=True))
    return client


@pytest.fixture
def whatsapp(tenant) -> Channel:
    secrets = {"access_token": "token-0123456789", "app_secret": "twin-app-secret", "verify_token": "verify-0123456789"}
    return ChannelFactory(
        tenant=tenant, kind="whatsapp", config={"phone_number_id": "400000000000001"}, secrets=secrets
    )


def test_features_and_rules_are_sections_and_are_kept(tenant, boss, whatsapp) -> None:
    address = f"/admin/channels_app/channel/{whatsapp.id}/change/"
    page = boss.get(address)
    shown = page.content.decode()
    assert shown.index("Features") < shown.index("Format rules") < shown.index("Limits")
    form = page.context["adminform"].form
    sent = {name: field.initial for name, field in form.fields.items() if field.initial not in (None, False, "")}
    sent |= {"tenant": tenant.id, "name": "WhatsApp", "enabled": "on", "config_longest_text": "480"}
    sent |= {"config_phone_number_id": whatsapp.config["phone_number_id"]}
    sent.pop("config_send_files")
    answer = boss.post(address, sent)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    channel = Channel.objects.unscoped().get(id=whatsapp.id)
    config = channel.adapter_config()
    assert (config.send_files, config.rich_replies, config.longest_text) == (False, True, 480)
    assert channel.secrets == whatsapp.secrets
    assert (channel.capabilities.max_text, "image" in channel.capabilities.types) == (480, False)


def test_what_is_seldom_touched_is_folded_and_all_of_it_is_there(boss) -> None:
    """A phone line's page was ten screens long: every sentence a field of ten lines."""
    page = boss.get("/admin/channels_app/channel/add/?kind=voice")
    form = page.context["adminform"]
    sections = {section.name: section for section in form}
    folded = {name for name, section in sections.items() if section.is_collapsible}
    assert folded == {"What the line says", "How it listens", "While the caller waits"}
    shown = [field.field.name for section in form for line in section for field in line if hasattr(field.field, "name")]
    assert sorted(shown) == sorted({*shown})
    assert set(form.form.fields) <= set(shown)
    assert form.form.fields["config_greeting"].widget.attrs["rows"] == 2


def test_words_by_language_are_entered_as_what_they_are(tenant, boss) -> None:
    """A table of names that have to fit a pattern showed its rows' values as text, and took none back (WEB-2, CH-9)."""
    words = {"de": {"greeting": "Hallo!", "starters": [{"title": "Wo ist sie?"}]}}
    asked = [{"name": "topic", "label": "About", "type": "select", "options": ["Order", "Return"]}]
    config = {"translations": words, "allowed_origins": ["*"], "pre_chat": asked, "triggers": [{"text": "Questions?"}]}
    web = ChannelFactory(tenant=tenant, kind="web", config=config)
    address = f"/admin/channels_app/channel/{web.id}/change/"
    page = boss.get(address)
    shown = page.content.decode()
    assert 'name="config_translations-0-value-greeting"' in shown and "{&#x27;" not in shown
    form = page.context["adminform"].form
    sent = {name: field.initial for name, field in form.fields.items() if isinstance(field.initial, str | int)}
    sent |= {"tenant": tenant.id, "name": "Web", "enabled": "on", "config_title": "Chat", "config_color": "#112233"}
    sent |= {"config_allowed_origins": "*", "config_triggers_a_day": "1", "config_position": "right"}
    for place, (language, greeting) in enumerate([("de", "Guten Tag!"), ("fr", "Bonjour !")]):
        sent[f"config_translations-{place}-key"] = language
        sent[f"config_translations-{place}-value-greeting"] = greeting
    german = "config_translations-0-value"
    sent |= {f"{german}-starters-0-title": "Wo ist sie?", f"{german}-triggers": "Fragen?"}
    sent |= {f"{german}-pre_chat-0-name": "topic", f"{german}-pre_chat-0-options": "Bestellung\nRückgabe"}
    sent |= {"config_pre_chat-0-name": "topic", "config_pre_chat-0-label": "About", "config_pre_chat-0-type": "select"}
    sent |= {"config_pre_chat-0-options": "Order\nReturn", "config_triggers-0-text": "Questions?"}
    answer = boss.post(address, {name: value for name, value in sent.items() if value is not False})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    kept = Channel.objects.unscoped().get(id=web.id).adapter_config().translations
    assert [(name, one.greeting, [starter.title for starter in one.starters]) for name, one in kept.items()] == [
        ("de", "Guten Tag!", ["Wo ist sie?"]),
        ("fr", "Bonjour !", []),
    ]
    assert kept["de"].triggers == ("Fragen?",)
    assert [(field.name, field.label, field.options) for field in kept["de"].pre_chat] == [
        ("topic", "", ("Bestellung", "Rückgabe")),
    ]
