"""How the platforms are told of an edit and a deletion, and what their answers mean (CONV-9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from channels_app.content.types import text
from channels_app.contract import ConfigError, HttpAnswer, Recipient, Rejected, SendError, SendResult, Throttled
from tests.adapters.kit import RecordingHttp, answer, kit_for

NAMES = {"slack": "D01:17.02", "teams": "1763690005000@9be371747445", "webhook": "out-1"}
ACTIVITY = "https://smba.trafficmanager.net/emea/v3/conversations/a%3A1personalConv/activities/1763690005000"


def recipient_of(kind: str) -> Recipient:
    known = {"service_url": "https://smba.trafficmanager.net/emea/", "conversation_type": "personal"}
    place = {"teams": {"thread": "a:1personalConv", "reference": known}}
    return replace(kit_for(kind).recipient, **place.get(kind, {}))


def change(kind: str, action: str, *replies: HttpAnswer) -> tuple[Any, RecordingHttp]:
    """What comes of it, and what was asked."""
    kit, http, who = kit_for(kind), RecordingHttp(replies), recipient_of(kind)
    http.aside = dict(kit.aside)
    if action == "edit":
        [posted] = kit.adapter.render(replace(kit.message(text("at ten")), recipient=who), kit.configured)
        payload = kit.adapter.edit(NAMES[kind], posted, who, kit.configured)
    else:
        payload = kit.adapter.delete(NAMES[kind], "change-1.0", who, kit.configured)
    try:
        return kit.adapter.send(payload, kit.configured, http), http
    except SendError as error:
        return error, http
    finally:
        http.finish()


def slack(ok: bool, **more: Any) -> HttpAnswer:
    return answer({"ok": ok, **more})


def teams(status: int, code: str) -> HttpAnswer:
    return HttpAnswer(status, {}, f'{{"error": {{"code": "{code}", "message": "no"}}}}'.encode())


CALLS = [
    ("slack", "edit", slack(True, ts="17.02"), "POST", "/api/chat.update"),
    ("slack", "delete", slack(True, ts="17.02"), "POST", "/api/chat.delete"),
    ("teams", "edit", answer({"id": "1763690005000"}), "PUT", ACTIVITY),
    ("teams", "delete", HttpAnswer(200, {}, b""), "DELETE", ACTIVITY),
    ("webhook", "edit", HttpAnswer(202, {}, b""), "POST", ""),
    ("webhook", "delete", HttpAnswer(202, {}, b""), "POST", ""),
]


@pytest.mark.parametrize(("kind", "action", "reply", "method", "path"), CALLS, ids=lambda value: str(value)[:20])
def test_a_change_is_one_call_that_gives_no_new_name(
    kind: str, action: str, reply: HttpAnswer, method: str, path: str
) -> None:
    result, http = change(kind, action, reply)
    [call] = http.requests
    assert (result.platform_id, call["method"], call["url"].endswith(path)) == ("", method, True)


REFUSALS: list[tuple[str, str, HttpAnswer, type[SendError] | None, str]] = [
    ("slack", "delete", slack(False, error="message_not_found"), None, ""),
    ("slack", "edit", slack(False, error="message_not_found"), Rejected, "message_not_found"),
    ("slack", "edit", slack(False, error="edit_window_closed"), Rejected, "edit_window_closed"),
    ("slack", "delete", slack(False, error="cant_delete_message"), Rejected, "cant_delete_message"),
    ("slack", "edit", slack(False, error="invalid_auth"), ConfigError, "invalid_auth"),
    ("teams", "delete", teams(404, "ActivityNotFoundInConversation"), None, ""),
    ("teams", "edit", teams(404, "ActivityNotFoundInConversation"), Rejected, "ActivityNotFoundInConversation"),
    ("teams", "delete", teams(404, "ConversationNotFound"), Rejected, "ConversationNotFound"),
    ("teams", "edit", teams(403, "ServiceError"), Rejected, "ServiceError"),
    ("teams", "edit", teams(403, "BotNotRegistered"), ConfigError, "BotNotRegistered"),
    ("teams", "edit", teams(412, "PreconditionFailed"), Throttled, "PreconditionFailed"),
    ("webhook", "edit", answer({"error": {"code": "not_changeable"}}, 422), Rejected, "not_changeable"),
]


@pytest.mark.parametrize(("kind", "action", "reply", "error", "code"), REFUSALS, ids=lambda value: str(value)[:20])
def test_what_a_refusal_means(
    kind: str, action: str, reply: HttpAnswer, error: type[SendError] | None, code: str
) -> None:
    """One activity that a person has deleted does not hold the channel."""
    found, _ = change(kind, action, reply)
    assert (type(found), getattr(found, "code", "")) == (error or SendResult, code)


def test_teams_changes_nothing_in_a_conversation_that_it_does_not_know() -> None:
    kit = kit_for("teams")
    with pytest.raises(Rejected) as caught:
        kit.adapter.delete(NAMES["teams"], "change-1.0", Recipient("29:1abc"), kit.configured)
    assert caught.value.code == "not_changeable"
