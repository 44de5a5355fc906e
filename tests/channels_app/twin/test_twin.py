"""The provider twin: a fake that must be trusted, so it is held to the real platform's rules."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json

import pytest

from channels_app.contract import InboundMessage, StatusUpdate
from channels_app.twin import server
from channels_app.twin.faults import NAMES, REFUSALS, Faults
from tests.channels_app.twin_service import BEARER, HELLO, Service, call, code, send


@pytest.fixture
def twin():
    with server.start(pauses=(0.01, 0.01, 0.01)) as twin:
        yield twin


@pytest.fixture
def service():
    service = Service()
    yield service
    service.server.shutdown()
    service.server.server_close()


# ------------------------------------------------------------------------------- calls


def test_a_message_is_taken_and_kept_in_order(twin):
    ids = [send(twin, {**HELLO, "text": {"body": word}})[1]["messages"][0]["id"] for word in "abc"]
    assert [one["body"]["text"]["body"] for one in twin.sent] == ["a", "b", "c"]
    assert [one["id"] for one in twin.sent] == ids
    assert len(set(ids)) == 3


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer revoked", "Basic good"])
def test_a_bad_token_is_refused(twin, token):
    status, answer = send(twin, Authorization=token)
    assert (status, code(answer)) == (401, 190)
    assert twin.sent == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"messaging_product": "sms"}, 100),
        ({"to": ""}, 131008),
        ({"type": "image"}, 131008),
        ({"text": {"body": "x" * 4097}}, 100),
        ({"text": {"body": ""}}, 100),
        ({"text": "odd"}, 100),
        ({"type": "interactive", "interactive": {"type": "button", "body": {"text": "x"}, "action": {}}}, 131009),
        ({"type": "interactive", "interactive": {"type": "list", "body": {"text": "x"}, "action": {}}}, 131009),
    ],
    ids=lambda value: json.dumps(value)[:30],
)
def test_wrong_messages_are_refused(twin, change, expected):
    status, answer = send(twin, {**HELLO, **change})
    assert (status, code(answer)) == (400, expected)
    assert twin.sent == []


def test_read_marks_are_no_messages(twin):
    assert send(twin, {"messaging_product": "whatsapp", "status": "read", "message_id": "x"}) == (
        200,
        {"success": True},
    )
    assert twin.sent == []


def test_a_repeat_is_recognised_when_asked_to(twin):
    twin.configure(dedupe=True)
    first, second = (send(twin, {**HELLO, "biz_opaque_callback_data": "ref-1"})[1] for _ in range(2))
    assert first == second
    assert (len(twin.sent), len(twin.repeats)) == (1, 1)


def test_a_repeat_arrives_twice_by_default(twin):
    first, second = (send(twin, {**HELLO, "biz_opaque_callback_data": "ref-1"})[1] for _ in range(2))
    assert first["messages"] != second["messages"]
    assert (len(twin.sent), len(twin.repeats)) == (2, 1)


def test_the_phone_number_answers_the_health_check(twin):
    status, answer = call(twin, "GET", "/v25.0/400000000000001?fields=verified_name,quality_rating")
    assert status == 200
    assert json.loads(answer)["quality_rating"] == "GREEN"


def test_media_goes_up_and_comes_down(twin):
    form = (
        b'--b\r\nContent-Disposition: form-data; name="messaging_product"\r\n\r\nwhatsapp\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
        b"\x89PNG\x00\xff\r\n--b--\r\n"
    )
    headers = {**BEARER, "content-type": "multipart/form-data; boundary=b"}
    _, answer = call(twin, "POST", "/v25.0/400000000000001/media", form, headers)
    node = json.loads(answer)["id"]
    facts = json.loads(call(twin, "GET", f"/v25.0/{node}?phone_number_id=400000000000001")[1])
    assert (facts["mime_type"], facts["file_size"]) == ("image/png", 6)
    path = facts["url"].removeprefix(twin.url)
    assert call(twin, "GET", path) == (200, b"\x89PNG\x00\xff")
    assert call(twin, "GET", path, headers={})[0] == 401


@pytest.mark.parametrize("path", ["/v25.0/777", "/nowhere", "/_twin/nowhere"])
def test_unknown_addresses_say_so(twin, path):
    status, answer = call(twin, "GET", path)
    assert status in (400, 404)
    assert json.loads(answer)["error"]["message"]


# ---------------------------------------------------------------------------- webhooks


def test_statuses_come_back_signed(twin, service):
    twin.configure(webhook_url=service.url)
    wamid = send(twin, {**HELLO, "biz_opaque_callback_data": "ref-1"})[1]["messages"][0]["id"]
    assert twin.wait_idle()
    assert [(item.status, item.platform_id, item.client_ref) for item in service.items] == [
        (word, wamid, "ref-1") for word in ("sent", "delivered", "read")
    ]


def test_a_person_speaks(twin, service):
    twin.configure(webhook_url=service.url)
    wamid = twin.say({"from": "+15550107777", "text": "hi", "name": "Ana", "user_id": "US.1"})
    assert twin.wait_idle()
    [item] = service.items
    assert isinstance(item, InboundMessage)
    assert (item.platform_id, item.content.text, item.sender.value, item.sender.name) == (wamid, "hi", "US.1", "Ana")
    assert twin.sent == []


def test_a_webhook_is_tried_again_until_taken(twin, service):
    twin.configure(webhook_url=service.url)
    service.statuses = iter([500, 404])
    twin.say({"from": "+15550107777", "text": "hi"})
    assert twin.wait_idle()
    assert [entry["status"] for entry in twin.callbacks.log] == [500, 404, 200]
    assert len({raw.body for raw in service.requests}) == 1


def test_a_webhook_is_given_up_at_last(twin):
    twin.configure(webhook_url="http://127.0.0.1:9/hook")
    twin.say({"from": "+15550107777", "text": "hi"})
    assert twin.wait_idle()
    assert [entry["status"] for entry in twin.callbacks.log] == [0, 0, 0, 0]


def test_another_secret_makes_another_signature(twin, service):
    twin.configure(webhook_url=service.url, app_secret="other")
    twin.say({"from": "+15550107777", "text": "hi"})
    assert twin.wait_idle()
    [raw] = service.requests
    digest = hmac.new(b"other", raw.body, hashlib.sha256).hexdigest()
    assert raw.headers["x-hub-signature-256"] == f"sha256={digest}"


@pytest.mark.parametrize(("token", "passed"), [("twin-verify-token", True), ("wrong", False)])
def test_the_webhook_address_is_checked(twin, service, token, passed):
    body = {"webhook_url": service.url, "verify_token": token, "handshake": True}
    assert json.loads(call(twin, "POST", "/_twin/configure", body)[1]) == {"ok": True, "handshake": passed}


# ------------------------------------------------------------------------------ faults


@pytest.mark.parametrize(
    ("fault", "status", "expected"), [("429", 429, 130429), ("500", 500, 131000), ("refuse_token", 401, 190)]
)
def test_a_refusal_by_header_takes_nothing(twin, fault, status, expected):
    found, answer = send(twin, **{"X-Twin-Fault": fault})
    assert (found, code(answer)) == (status, expected)
    assert twin.sent == []
    assert send(twin)[0] == 200


def test_every_refusal_has_words_on_every_platform(twin):
    assert {fault: server.PLATFORMS["whatsapp"].refuse(fault).status for fault in REFUSALS} == {
        "429": 429,
        "500": 500,
        "refuse_token": 401,
    }


def test_accepted_without_an_answer(twin):
    twin.faults.order("timeout_after_accept")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        send(twin)
    assert [one["body"] for one in twin.sent] == [HELLO]
    assert twin.requests[-1].fault == "timeout_after_accept"


def test_a_fault_strikes_as_often_as_ordered(twin):
    call(twin, "POST", "/_twin/faults", {"fault": "429", "times": 2})
    send(twin, {"messaging_product": "whatsapp", "status": "read", "message_id": "x"})  # no message: spends nothing
    assert [send(twin)[0] for _ in range(3)] == [429, 429, 200]


def test_a_lasting_fault_ends_when_cleared(twin):
    call(twin, "POST", "/_twin/faults", {"fault": "500", "times": None})
    before = [send(twin)[0] for _ in range(3)]
    call(twin, "DELETE", "/_twin/faults")
    assert [*before, send(twin)[0]] == [500, 500, 500, 200]


def test_slow_answers_late_but_answers(twin):
    twin.faults.order("slow", seconds=0.05)
    assert send(twin)[0] == 200
    assert twin.requests[-1].fault == "slow"


def test_probability_is_repeatable():
    def strikes(seed):
        faults = Faults(seed)
        faults.order("500", times=None, probability=0.5)
        return [faults.strike(("500",)) is not None for _ in range(200)]

    assert strikes(7) == strikes(7) != strikes(8)
    assert 60 < sum(strikes(7)) < 140


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("duplicate_webhook", ["sent", "sent", "delivered", "delivered", "read", "read"]),
        ("reorder_webhooks", ["read", "delivered", "sent"]),
        ("delay", ["sent", "delivered", "read"]),
    ],
)
def test_faults_of_webhooks(twin, service, fault, expected):
    twin.configure(webhook_url=service.url)
    twin.faults.order(fault, seconds=0.02)
    send(twin)
    assert twin.wait_idle()
    assert [item.status for item in service.items if isinstance(item, StatusUpdate)] == expected
    assert twin.faults.listed() == []


# ----------------------------------------------------------------------------- control


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"fault": "meteor"}),
        ("faults", {"fault": "429", "times": 0}),
        ("faults", {"fault": "429", "probability": 2}),
        ("faults", {"fault": "429", "typo": 1}),
        ("say", {"from": "+15550107777"}),
        ("say", {"from": "Ana", "text": "hi"}),
        ("say", {"from": "+1555", "message": {"text": "x"}}),
        ("say", {"platform": "pigeon", "from": "+1555", "text": "x"}),
        ("configure", {"webhok_url": "x"}),
        ("configure", {"platform": "pigeon"}),
    ],
    ids=str,
)
def test_wrong_orders_are_explained(twin, path, body):
    status, answer = call(twin, "POST", f"/_twin/{path}", body)
    assert (status, code(json.loads(answer))) == (400, "bad_request")


def test_another_site_cannot_give_orders(twin):
    status, _ = call(twin, "POST", "/_twin/faults", {"fault": "429"}, {"content-type": "text/plain"})
    assert status == 415
    assert twin.faults.listed() == []


def test_messages_are_read_and_forgotten(twin):
    send(twin)
    found = json.loads(call(twin, "GET", "/_twin/messages")[1])
    assert [one["body"] for one in found["messages"]] == [HELLO]
    call(twin, "DELETE", "/_twin/messages")
    assert json.loads(call(twin, "GET", "/_twin/messages")[1]) == {"messages": [], "repeats": []}


def test_the_page_loads_nothing_from_elsewhere(twin):
    status, page = call(twin, "GET", "/")
    assert status == 200
    assert b"https://" not in page
    assert b"innerHTML" not in page


def test_the_state_shows_traffic_without_secrets(twin, service):
    twin.configure(webhook_url=service.url, app_secret="SECRET-app", verify_token="SECRET-verify")
    twin.say({"from": "+15550107777", "text": "<b>hi</b>"})
    send(twin)
    assert twin.wait_idle()
    _, raw = call(twin, "GET", "/_twin/state")
    state = json.loads(raw)
    assert b"SECRET" not in raw
    assert b"good" not in raw
    assert [(one["text"], one["person"]) for one in state["chat"]] == [
        ("<b>hi</b>", "+15550107777"),
        ("hello", "+15550107777"),
    ]
    assert [one["status"] for one in state["calls"]] == [200]
    assert [one["status"] for one in state["webhooks"]] == [200] * 4
    assert state["fault_names"] == list(NAMES)


@pytest.mark.parametrize("kind", ["button", "list"])
def test_a_shown_choice_can_be_picked(twin, service, kind):
    twin.configure(webhook_url=service.url, statuses=[])
    choice = {"id": "yes", "title": "Yes"}
    actions = {"button": {"buttons": [{"type": "reply", "reply": choice}]}, "list": {"sections": [{"rows": [choice]}]}}
    question = {"type": kind, "body": {"text": "Sure?"}, "action": actions[kind]}
    send(twin, {**HELLO, "type": "interactive", "interactive": question})
    [shown] = json.loads(call(twin, "GET", "/_twin/state")[1])["chat"]
    twin.say({"from": shown["person"], "message": shown["choices"][0]["message"]})
    assert twin.wait_idle()
    [item] = service.items
    assert (item.content.choice.value, item.content.text) == ("yes", "Yes")


def test_the_record_survives_a_restart(tmp_path):
    log = tmp_path / "twin.jsonl"
    with server.start(log=log) as twin:
        twin.configure(dedupe=True)
        first = send(twin, {**HELLO, "biz_opaque_callback_data": "ref-1"})[1]
    with server.start(log=log) as twin:
        twin.configure(dedupe=True)
        assert send(twin, {**HELLO, "biz_opaque_callback_data": "ref-1"})[1] == first
        assert (len(twin.sent), len(twin.repeats)) == (1, 1)
    assert len(log.read_text().splitlines()) == 2


def test_a_torn_line_costs_only_itself(tmp_path):
    log = tmp_path / "twin.jsonl"
    for tail in ("", '{"direction": "ou'):
        with server.start(log=log) as twin:
            send(twin)
        log.write_text(log.read_text() + tail)
    with server.start(log=log) as twin:
        send(twin)
        assert len(twin.sent) == 3
    assert len(log.read_text().splitlines()) == 3
