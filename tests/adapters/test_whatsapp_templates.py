"""WhatsApp's list of approved templates, and its verdicts on them."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from channels_app.adapters.whatsapp import WhatsApp, WhatsAppConfig
from channels_app.adapters.whatsapp.templates import template_listed
from channels_app.contract import ConfigError, Ignored, RawRequest, Rejected, RemoteTemplate, TemplateStatus
from tests.adapters.kit import RecordingHttp, answer

CONFIG = WhatsAppConfig(
    phone_number_id="400000000000001",
    waba_id="300000000000001",
    access_token="token-0123456789",
    app_secret="secret",
    verify_token="verify",
)
SHIPPED = {
    "id": "594425479261596",
    "name": "order_shipped",
    "language": "en_US",
    "status": "APPROVED",
    "category": "UTILITY",
    "rejected_reason": "NONE",
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"},
        {"type": "BODY", "text": "Hello {{1}}, it comes {{2}}."},
        {"type": "FOOTER", "text": "Acme"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "URL", "text": "Track", "url": "https://a.de/t/{{1}}"},
                {"type": "QUICK_REPLY", "text": "Stop"},
            ],
        },
    ],
}


def test_an_entry_becomes_words_with_variables_named_as_they_are_sent() -> None:
    assert template_listed(SHIPPED) == RemoteTemplate(
        name="order_shipped",
        language="en_US",
        text="Order {{header.1}}\n\nHello {{1}}, it comes {{2}}.\n\nAcme\n\nTrack: https://a.de/t/{{button.0}}\n[Stop]",
        status="approved",
        category="utility",
        platform_id="594425479261596",
    )


@pytest.mark.parametrize("form", ["IMAGE", "VIDEO", "DOCUMENT"])
def test_a_header_that_shows_a_file_has_it_for_a_variable(form) -> None:
    header = {"type": "HEADER", "format": form, "example": {"header_handle": ["https://cdn.example/x"]}}
    listed = template_listed({**SHIPPED, "components": [header, {"type": "BODY", "text": "Hi {{1}}"}]})
    assert (listed.text, listed.unsupported) == (f"{{{{header.{form.lower()}}}}}\n\nHi {{{{1}}}}", "")


@pytest.mark.parametrize(
    ("component", "why"),
    [
        ({"type": "HEADER", "format": "LOCATION"}, "header:location"),
        ({"type": "BUTTONS", "buttons": [{"type": "COPY_CODE"}]}, "button:copy_code"),
        ({"type": "CAROUSEL", "cards": []}, "component:carousel"),
        ({"type": "LIMITED_TIME_OFFER"}, "component:limited_time_offer"),
    ],
    ids=lambda part: part if isinstance(part, str) else None,
)
def test_what_cannot_be_filled_in_says_so(component, why) -> None:
    listed = template_listed({**SHIPPED, "components": [{"type": "BODY", "text": "Hi"}, component]})
    assert listed is not None
    assert listed.unsupported == why


@pytest.mark.parametrize("entry", [None, 7, {}, {"name": "x"}, {"name": 1, "components": {}}, []], ids=repr)
def test_an_odd_entry_costs_no_other(entry) -> None:
    pages = [answer({"data": [entry, SHIPPED]})]
    assert [found.name for found in WhatsApp().templates(CONFIG, RecordingHttp(pages))] == ["order_shipped"]


def test_the_list_is_read_page_by_page() -> None:
    first = {"data": [SHIPPED], "paging": {"cursors": {"after": "QQ=="}, "next": "https://elsewhere.example/x"}}
    last = {"data": [{**SHIPPED, "language": "de"}], "paging": {"cursors": {"after": "Qg=="}}}
    http = RecordingHttp([answer(first), answer(last)])
    assert [found.language for found in WhatsApp().templates(CONFIG, http)] == ["en_US", "de"]
    asked = [urlsplit(sent["url"]) for sent in http.requests]
    assert {where.netloc for where in asked} == {"graph.facebook.com"}  # the token goes nowhere else
    assert {where.path for where in asked} == {"/v25.0/300000000000001/message_templates"}
    assert [parse_qs(where.query).get("after") for where in asked] == [None, ["QQ=="]]
    http.finish()


def test_a_channel_without_an_account_says_what_is_missing() -> None:
    with pytest.raises(Rejected) as caught:
        WhatsApp().templates(CONFIG.model_copy(update={"waba_id": ""}), RecordingHttp([]))
    assert caught.value.code == "no_waba_id"


def test_a_refused_token_is_told() -> None:
    with pytest.raises(ConfigError):
        WhatsApp().templates(CONFIG, RecordingHttp([answer({"error": {"code": 190, "message": "expired"}}, 401)]))


def verdict(account: str = "300000000000001", **value: object) -> list[object]:
    change = {"field": "message_template_status_update", "value": value}
    body = {"object": "whatsapp_business_account", "entry": [{"id": account, "changes": [change]}]}
    return list(WhatsApp().parse(RawRequest("POST", "/", body=json.dumps(body).encode()), CONFIG))


REJECTED = {
    "event": "REJECTED",
    "message_template_id": 594425479261596,
    "message_template_name": "order_shipped",
    "message_template_language": "en_US",
    "reason": "INVALID_FORMAT",
}


@pytest.mark.parametrize(
    ("value", "item"),
    [
        (REJECTED, TemplateStatus("order_shipped", "en_US", "rejected", "invalid_format")),
        (
            {**REJECTED, "event": "APPROVED", "reason": "NONE"},
            TemplateStatus("order_shipped", "en_US", "approved"),
        ),
        ({"event": "APPROVED"}, Ignored("no_template")),
        ({**REJECTED, "account": "1"}, Ignored("other_account")),
    ],
    ids=["rejected", "approved", "nameless", "another account's"],
)
def test_a_verdict_is_understood(value, item) -> None:
    assert verdict(**value) == [item]
