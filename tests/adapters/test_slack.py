"""Slack: each event, interaction and command as a row of a table (slack_inbound.py, slack_outbound.py). The
calls of the other direction (signature, handshake, answers, files, health, signals) follow in
test_slack_calls.py."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import replace

import pytest

from channels_app.adapters.slack import inbound, interactive
from channels_app.contract import Ignored, Malformed, RawRequest, Recipient, SendResult
from tests.adapters.kit import Kit, answer
from tests.adapters.slack_inbound import CHANNEL, DM, INBOUND, TEAM, TS
from tests.adapters.slack_outbound import OUTBOUND


def sign(raw: RawRequest, config) -> RawRequest:
    stamp = str(int(time.time()))
    digest = hmac.new(config.signing_secret.encode(), f"v0:{stamp}:".encode() + raw.body, hashlib.sha256).hexdigest()
    signed = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}
    return replace(raw, headers={**raw.headers, **signed})


KIT = Kit(
    kind="slack",
    config={
        "api_base": "https://slack.example",
        "bot_token": "xoxb-SECRET-token",
        "signing_secret": "SECRET-signing",
        "team_id": TEAM,
    },
    inbound=INBOUND,
    outbound=OUTBOUND,
    sign=sign,
    signature="x-slack-signature",
    recipient=Recipient(DM, "slack", TEAM, last_inbound_id=f"{DM}:{TS}"),
    success=answer({"ok": True, "channel": DM, "ts": "1793000200.000400", "message": {"text": "hello"}}),
    result=SendResult(f"{DM}:1793000200.000400"),
    own_echo="own_echo",
)


@pytest.mark.parametrize("case", KIT.inbound, ids=str)
def test_inbound(case):
    KIT.run_inbound(case)


@pytest.mark.parametrize("case", KIT.outbound, ids=str)
def test_outbound(case):
    KIT.run_outbound(case)


def with_config(payload: str, **changes):
    config = KIT.configured.model_copy(update=changes)
    return list(KIT.adapter.parse(KIT.request(payload), config))


def test_a_threads_replies_need_no_mention_when_they_are_followed():
    [item] = with_config("channel_thread_chatter", follow_threads=True)
    assert (item.content.text, item.thread, item.follow_up) == ("and then?", f"{CHANNEL}:{TS}", True)
    [item] = with_config("channel_chatter", follow_threads=True)
    assert item == Ignored("not_addressed", f"{CHANNEL}:{TS}")
    [item] = with_config("mention_in_thread", follow_threads=True)
    assert item.follow_up is False


@pytest.mark.parametrize(
    ("payload", "team_id", "expected"),
    [
        ("other_workspace", "", "T0OTHER99"),
        ("press_in_other_workspace", "", "T0OTHER99"),
        ("slash_of_other_workspace", "", "T0OTHER99"),
        ("dm_text", "", TEAM),
    ],
)
def test_without_a_workspace_every_one_is_taken_and_scopes_its_people(payload, team_id, expected):
    [item] = with_config(payload, team_id=team_id)
    assert item.sender.scope == expected


def test_a_command_answered_for_its_author_alone():
    [item] = with_config("slash_in_channel", command_answers="ephemeral")
    assert item.reference["ephemeral_for"] == "U0EEE5555"


def test_one_mention_in_two_events_is_one_message():
    """Complaint 2 (docs/testing.md): the app_mention and the message of one mention are a pair."""
    ids = {item.platform_id for name in ("mention_event", "mention_message") for item in KIT.receive(KIT.request(name))}
    assert len(ids) == 1


def test_two_people_in_one_thread_have_a_conversation_each_and_the_same_place():
    first = KIT.stored("mention_in_thread")["body"]
    second = {**first, "event": {**first["event"], "user": "U0FFF6666"}}
    items = [item for body in (first, second) for item in KIT.receive(KIT.request(body))]
    assert [item.thread for item in items] == [f"{CHANNEL}:{TS}"] * 2
    assert len({item.sender.value for item in items}) == 2


def test_a_fault_of_our_own_costs_one_event_only(monkeypatch):
    def broken(event, envelope):
        raise ZeroDivisionError

    monkeypatch.setitem(inbound.EVENTS, "message", broken)
    assert KIT.receive(KIT.request("dm_text")) == [Malformed("unreadable:ZeroDivisionError", "Ev-dm_text")]


RICH = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "a < b & "},
                {"type": "link", "url": "https://example.org", "text": "the | page"},
                {"type": "user", "user_id": "U0FFF6666"},
                {"type": "emoji", "name": "tada"},
            ],
        },
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "as it was"}]},
        {
            "type": "rich_text_list",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]}],
        },
    ],
}


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ([RICH], "a < b & the ¦ page (https://example.org)@U0FFF6666:tada:\n> as it was\n• one"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "Order &lt;7&gt;"}}], "Order <7>"),
        (
            [
                {"type": "header", "text": {"type": "plain_text", "text": "Order <7>"}},
                {"type": "section", "fields": [{"type": "plain_text", "text": "two"}, {"type": "mrkdwn", "text": "3"}]},
                {"type": "context", "elements": [{"type": "image", "alt_text": "a cat"}, {"type": "mrkdwn", "text": "m"}]},
                {"type": "markdown", "text": "**all**"},
                {"type": "image", "alt_text": "a dog"},
                {"type": "divider"},
            ],
            "Order <7>\ntwo\n3\na cat m\n**all**\na dog",
        ),
        ([None, {"type": "rich_text", "elements": [None, {"elements": [7]}]}, {}], "[empty message]"),
    ],
)  # fmt: skip
def test_words_that_stand_in_blocks_only_are_read(blocks, words):
    body = KIT.stored("dm_text")["body"]
    item, *odd = KIT.receive(KIT.request({**body, "event": {**body["event"], "text": "", "blocks": blocks}}))
    assert {type(one) for one in odd} <= {Malformed}
    assert item.content.text == words


def test_an_edit_of_words_in_blocks_is_an_edit():
    def said(words):
        return {"type": "message", "user": "U0EEE5555", "ts": TS, "text": "", "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": words}}]}  # fmt: skip

    body = KIT.stored("dm_text")["body"]
    event = {"type": "message", "subtype": "message_changed", "channel": DM, "event_ts": TS}
    changed = {**event, "message": said("new"), "previous_message": said("old")}
    [item] = KIT.receive(KIT.request({**body, "event": changed}))
    assert item.content.text == "new"


def test_a_form_tells_its_questions():
    sent = KIT.stored("form_sent")["body"]["payload"]
    asked = [{"type": "input", "block_id": "b1", "label": {"type": "plain_text", "text": "Your address"}}]
    form = {"payload": json.dumps({**sent, "view": {**sent["view"], "blocks": asked}})}
    [item] = interactive.items(form, TEAM, False)
    assert item.content.text == "Your address: a@example.org\nsize: Large"


def test_what_slack_heard_in_a_recording_is_read():
    body = KIT.stored("file")["body"]
    heard = {"status": "complete", "preview": {"content": "call me back", "has_more": True}}
    clip = {**body["event"]["files"][0], "mimetype": "audio/mp4", "transcription": heard}
    [item] = KIT.receive(KIT.request({**body, "event": {**body["event"], "files": [clip]}}))
    assert (item.content.type, item.content.text) == ("audio", "call me back …")
