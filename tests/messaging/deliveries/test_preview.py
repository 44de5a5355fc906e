"""A preview shows exactly what is sent, on every kind of channel; and what is sent is whole."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels_app.content.fit import fit
from channels_app.content.options import choice_for, options, payload_meant
from channels_app.content.types import Content, text
from channels_app.contract import HttpAnswer, Payload
from channels_app.models import Channel
from channels_app.registry import KINDS, adapter_for
from channels_app.words.segments import segments
from conversations.models import Conversation, Message
from messaging.api.preview import REFERENCE, PreviewRequest, preview
from messaging.deliver import deliver
from messaging.models import Delivery
from messaging.sends import due, trying
from tenants.storage.db import now
from tests import contents as some
from tests.adapters.kit import Kit, answer, kit_for
from tests.examples import examples
from tests.factories import ChannelFactory, ConversationFactory, IdentityFactory

pytestmark = pytest.mark.django_db(transaction=True)
CALLED = sorted(kind for kind in KINDS if not adapter_for(kind).instant)
LINK = regex.compile(r"https?://[^\s<>]+")


UPLOAD = {"upload_url": "https://files.slack.com/upload/1", "file_id": "F1"}


class Platform:
    """Takes everything, and remembers what it was given."""

    def __init__(self, kit: Kit):
        self.kit, self.trace, self.calls = kit, [], 0

    def request(self, method: str, url: str, **parts: Any) -> HttpAnswer:
        self.calls += url not in self.kit.aside
        return self.kit.aside.get(url, self.success)

    def fetch(self, url: str, **parts: Any) -> HttpAnswer:
        return HttpAnswer(200, {"content-type": "image/jpeg"}, b"file")

    @property
    def success(self) -> HttpAnswer:
        """The kind's own, and the leave to upload a file first."""
        return answer({**UPLOAD, **json.loads(self.kit.success.body or b"{}")})


@pytest.fixture(params=CALLED)
def kit(request: pytest.FixtureRequest) -> Kit:
    return kit_for(request.param)


@pytest.fixture
def conversation(scope, kit) -> Conversation:
    """A conversation on a channel of the kind."""
    secret = kit.adapter.secret_keys
    channel = ChannelFactory(
        tenant=scope,
        kind=kit.kind,
        config={name: value for name, value in kit.config.items() if name not in secret},
        secrets={name: value for name, value in kit.config.items() if name in secret},
    )
    to = kit.recipient
    identity = IdentityFactory(
        tenant=scope, channel=channel, scheme=to.scheme or "user", scope=to.scope, value=to.address
    )
    return ConversationFactory(
        tenant=scope, channel=channel, identity=identity, contact=identity.contact, thread=to.thread,
        last_inbound_id=to.last_inbound_id, reference=dict(to.reference),
    )  # fmt: skip


@pytest.fixture
def sent(kit, monkeypatch) -> list[Payload]:
    """The payloads that were really sent, over HTTP that takes everything."""
    sent: list[Payload] = []
    platform = Platform(kit)
    real = type(kit.adapter).send

    def send(self: Any, payload: Payload, config: Any, http: Any) -> Any:
        result = real(self, payload, config, http)
        sent.append(payload)
        return result

    monkeypatch.setattr(type(kit.adapter), "send", send)
    monkeypatch.setattr(trying, "http_for", lambda channel: platform)
    monkeypatch.setattr(due, "allow", lambda *args: 0.0)
    return sent


def delivered(conversation: Conversation, content: Content) -> Delivery:
    seq = Message.objects.count() + 1
    message = Message.objects.create(
        tenant_id=conversation.tenant_id, conversation=conversation, identity=conversation.identity,
        channel=conversation.channel, seq=seq, direction="outbound", role="agent", content_type=content.type,
        content=content.to_json(),
    )  # fmt: skip
    delivery = Delivery.objects.create(
        tenant_id=conversation.tenant_id, message=message, conversation=conversation,
        channel=conversation.channel, seq=seq,
    )  # fmt: skip
    deliver(conversation.id)
    delivery.refresh_from_db()
    return delivery


@given(st.data())
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_a_preview_is_what_is_sent(kit, conversation, sent, data) -> None:
    content = data.draw(some.contents)
    shown = preview(conversation.channel_id, PreviewRequest(content=content, conversation_id=conversation.id))
    sent.clear()
    delivery = delivered(conversation, content)
    problem = shown.problem.code if shown.problem else ""
    assert (delivery.status == "failed", delivery.error_code) == (bool(problem), problem)
    calls = [(p.method, p.path, p.json_, p.form, dict(p.facts)) for p in shown.payloads]
    expected = json.dumps(calls, sort_keys=True, default=dict).replace(f"{REFERENCE}.", f"{delivery.id}.")
    assert expected == json.dumps(
        [(p.method, p.path, p.json, p.form, p.facts) for p in sent], sort_keys=True, default=dict
    )


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(st.data())
@settings(max_examples=examples(60))
def test_no_part_is_over_a_limit(kind, data) -> None:
    caps = adapter_for(kind).capabilities
    for part in fit(data.draw(some.contents), caps).parts:
        words = part.text or ""
        assert len(words) <= caps.max_text
        assert part.type == "text" or part.type in caps.types
        assert len(part.buttons or ()) <= caps.max_buttons
        assert len(part.quick_replies or ()) <= caps.max_quick_replies
        assert sum(len(section.rows) for section in part.sections or ()) <= caps.max_list_rows
        assert len(part.cards or ()) <= caps.max_cards
        assert not caps.max_segments or segments(words).count <= caps.max_segments


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(some.written)
@settings(max_examples=examples(60))
def test_no_link_and_no_letter_is_cut_in_two(kind, words) -> None:
    """CW: long answers cut in the middle of an address or an emoji."""
    parts = [part.text or "" for part in fit(text(words), adapter_for(kind).capabilities).parts]
    assert [link for part in parts for link in LINK.findall(part)] == LINK.findall(words)
    assert _letters("".join(f"{part}\n" for part in parts)) == _letters(words)


def _letters(words: str) -> list[str]:
    return [letter for letter in regex.findall(r"\X", words) if letter.strip()]


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(some.contents)
@settings(max_examples=examples(60))
def test_what_can_be_picked_can_be_picked_everywhere(kind, content) -> None:
    """Every option is on a button, in a list, or has a number that picks it when it is typed."""
    fitted = fit(content, adapter_for(kind).capabilities)
    shown = {payload_meant(option.payload) for part in fitted.parts for option in options(part)}
    missing = [option for option in options(content) if option.payload not in shown]
    said = "\n".join(part.text or "" for part in fitted.parts)
    for option in missing:
        assert fitted.numbered
        assert regex.search(rf"(?m)^\W*(?:.*: )?{option.number}\\?\. ", said)
    picked = {option.number: choice_for(content, str(option.number)) for option in missing}
    assert all(choice is not None for choice in picked.values())


# ------------------------------------------------------------------------------- the API


@pytest.fixture
def texts(scope) -> Channel:
    config = {"account_sid": f"AC{'0' * 32}", "from_number": "+15550100002"}
    return ChannelFactory(tenant=scope, kind="sms", config=config, secrets={"auth_token": "token-0123456789"})


def test_the_api_shows_parts_calls_cuts_and_segments(texts, scope, api) -> None:
    replies = [{"title": f"Option {n}", "payload": f"o{n}"} for n in range(1, 6)]
    said = {"type": "text", "text": "**Which?** 😀 " + "x" * 100, "format": "markdown", "quick_replies": replies}
    client = api(scope, "channels:read")
    shown = client.data_of(client.post(f"/api/v2/channels/{texts.id}/preview", {"content": said}))
    assert shown["numbered"] is True
    assert shown["cuts"] == ["markdown → plain text", "quick replies → numbered text"]
    assert shown["parts"][0]["text"].endswith("4. Option 4\n5. Option 5")
    assert shown["payloads"][0]["form"]["Body"] == shown["parts"][0]["text"]
    assert (shown["splits"], shown["segments"], shown["problem"]) == (1, 3, None)
    assert shown["window"] == {"open": True, "expires_at": None}
    assert Message.objects.count() == 0


def test_the_api_tells_of_the_closed_window(whatsapp, scope, api) -> None:
    conversation = ConversationFactory(
        tenant=scope, channel=whatsapp, reply_window_expires_at=now() - timedelta(seconds=1)
    )
    client = api(scope)
    body = {"content": {"type": "text", "text": "hi"}, "conversation_id": str(conversation.id)}
    shown = client.data_of(client.post(f"/api/v2/channels/{whatsapp.id}/preview", body))
    assert shown["window"]["open"] is False
    assert shown["problem"]["code"] == "window_closed"
    assert shown["payloads"][0]["json"]["text"]["body"] == "hi"


def test_on_the_web_it_is_shown_as_it_is(web, scope, api) -> None:
    said = {"type": "text", "text": "**hi**", "format": "markdown"}
    client = api(scope)
    shown = client.data_of(client.post(f"/api/v2/channels/{web.id}/preview", {"content": said}))
    assert [part["text"] for part in shown["parts"]] == ["**hi**"]
    assert (shown["payloads"], shown["cuts"]) == ([], [])


def test_a_preview_shows_no_secret(whatsapp, scope, api) -> None:
    client = api(scope)
    answer = client.post(f"/api/v2/channels/{whatsapp.id}/preview", {"content": {"type": "text", "text": "hi"}})
    assert all(secret not in answer.content.decode() for secret in whatsapp.secrets.values())


@pytest.mark.parametrize(
    ("scopes", "with_conversation", "status"),
    [(["channels:read"], False, 200), (["channels:read"], True, 403), (["messages:send"], False, 403)],
    ids=["channels:read", "no conversations:read", "something else"],
)
def test_a_preview_needs_its_permissions(whatsapp, scope, api, scopes, with_conversation, status) -> None:
    conversation = ConversationFactory(tenant=scope, channel=whatsapp)
    body = {
        "content": {"type": "text", "text": "hi"},
        "conversation_id": str(conversation.id) if with_conversation else None,
    }
    assert api(scope, *scopes).post(f"/api/v2/channels/{whatsapp.id}/preview", body).status_code == status


def test_another_tenants_channel_and_conversation_are_absent(whatsapp, scope, other_tenant, api) -> None:
    theirs = ConversationFactory(tenant=other_tenant)
    hi = {"content": {"type": "text", "text": "hi"}}
    client = api(scope)
    assert client.post(f"/api/v2/channels/{theirs.channel_id}/preview", hi).status_code == 404
    foreign = client.post(f"/api/v2/channels/{whatsapp.id}/preview", {**hi, "conversation_id": str(theirs.id)})
    assert (foreign.status_code, client.error_of(foreign)["code"]) == (404, "conversation_not_found")
