"""The form before the chat: what is asked, which answers count and where they go."""

from __future__ import annotations

import pytest

from channels_app.adapters.web import FormField
from conversations.models import Contact
from messaging.webchat.form import answers_of
from tenants.errors import Invalid
from tests.factories import ChannelFactory
from tests.messaging.webchat.clients import SECRET, SHOP, outcome

FORM = [
    {"name": "name", "label": "Your name", "required": True},
    {"name": "email", "label": "E-mail", "type": "email"},
    {"name": "topic", "label": "About", "type": "select", "options": ["Order", "Return"]},
    {"name": "news", "label": "News, please", "type": "checkbox"},
]


@pytest.fixture
def channel(tenant):
    config = {"allowed_origins": [SHOP], "pre_chat": FORM}
    return ChannelFactory(tenant=tenant, key="ch_01HABC", config=config, secrets={"identity_secret": SECRET})


def test_the_widget_is_told_what_to_ask(page):
    asked = page.begin()["config"]["pre_chat"]
    assert [(field["name"], field["type"], field["required"]) for field in asked] == [
        ("name", "text", True),
        ("email", "email", False),
        ("topic", "select", False),
        ("news", "checkbox", False),
    ]


def test_the_form_is_asked_in_the_visitors_language_and_answered_in_the_channels(page, channel, scope):
    """Labels and options were English whatever was translated (WEB-2); what staff read of a choice stays the channel's own."""
    german = [
        {"name": "topic", "label": "Worum geht es?", "options": ["Bestellung", "Rückgabe"]},
        {"name": "name", "label": "Ihr Name"},
    ]
    channel.config |= {"translations": {"de": {"pre_chat": german}}}
    channel.save()
    asked = page.begin()["config"]["translations"]["de"]["pre_chat"]
    assert [(field["name"], field["label"], field["type"], field["required"]) for field in asked] == [
        ("name", "Ihr Name", "text", True),
        ("email", "E-mail", "email", False),
        ("topic", "Worum geht es?", "select", False),
        ("news", "News, please", "checkbox", False),
    ]
    assert asked[2]["options"] == ["Bestellung", "Rückgabe"]
    page.begin(profile={"name": "Ada", "topic": "Rückgabe"})
    page.say("Hello")
    assert Contact.objects.get().profile == {"topic": "Return"}
    assert outcome(page.session(profile={"name": "Ada", "topic": "Umtausch"})) == (400, "profile_invalid")


def test_the_answers_are_the_contacts(page, scope):
    token = page.begin()["visitor_token"]
    told = {"name": " Ada ", "email": "ada@shop.test", "topic": "Order", "news": True, "role": "admin"}
    page.begin(visitor_token=token, profile=told)
    page.say("Hello")
    contact = Contact.objects.get()
    assert (contact.name, contact.email, contact.profile) == ("Ada", "ada@shop.test", {"topic": "Order", "news": True})


def test_a_claim_does_not_replace_what_is_known(page, proof, scope):
    page.begin(identity={**proof(), "name": "Mira"}, profile={"name": "Mira"})
    Contact.objects.update(email="mira@shop.test")
    page.begin(identity={**proof(), "name": "Mira"}, profile={"name": "Eve", "email": "eve@evil.test"})
    assert (Contact.objects.get().name, Contact.objects.get().email) == ("Mira", "mira@shop.test")


def test_what_was_told_before_the_login_stays_with_the_user(page, proof, scope):
    token = page.begin(profile={"name": "Ada", "topic": "Return"})["visitor_token"]
    page.begin(visitor_token=token, identity=proof())
    page.say("Hello")
    assert (Contact.objects.get().name, Contact.objects.get().profile) == ("Ada", {"topic": "Return"})


@pytest.mark.parametrize(
    ("profile", "code"),
    [
        ({"email": "ada@shop.test"}, "profile_invalid"),
        ({"name": "\u200b"}, "profile_invalid"),
        ({"name": True}, "profile_invalid"),
        ({"name": "Ada", "email": "nowhere"}, "profile_invalid"),
        ({"name": "Ada", "topic": "Other"}, "profile_invalid"),
        ({"name": "Ada", "news": "yes"}, "profile_invalid"),
        ({"name": "A" * 1001}, "validation_error"),
        ({"name": ["Ada"]}, "validation_error"),
        ({f"f{number}": "" for number in range(11)}, "validation_error"),
    ],
    ids=["missing", "invisible", "yes", "no address", "no option", "not a yes", "endless", "list", "too many"],
)
def test_answers_that_are_none_are_refused(page, profile, code, scope):
    assert outcome(page.session(profile=profile)) == (400, code)
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("tel", "+49 (30) 123-456", "call me"),
        ("url", "https://shop.example/a", "javascript:alert(1)"),
        ("number", "-12.5", "twelve"),
        ("date", "2026-11-21", "21.11.2026"),
        ("email", "a.b+c@d.example", "a@b@c"),
        ("textarea", "one\ntwo", "\u0000"),
    ],
)
def test_each_type_has_its_form(kind, good, bad):
    fields = [FormField(name="answer", label="Answer", type=kind, required=True)]
    assert answers_of(fields, {"answer": good}) == {"answer": good}
    with pytest.raises(Invalid):
        answers_of(fields, {"answer": bad})


def test_a_box_that_must_be_ticked():
    fields = [FormField(name="terms", label="I agree", type="checkbox", required=True)]
    assert answers_of(fields, {"terms": True}) == {"terms": True}
    with pytest.raises(Invalid):
        answers_of(fields, {"terms": False})
