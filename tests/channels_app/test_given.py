"""What strangers hand in as a content: each text that is to be read can be seen."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from channels_app.content.given import PublicContent, SaidContent
from tests.factories import ChannelFactory

BUTTON = {"type": "postback", "title": "Yes", "payload": "y"}
CARD = {"title": "Lamp", "subtitle": "Oak", "buttons": [BUTTON]}
ROW = {"title": "Small", "payload": "s", "description": "Fits two"}
UNSEEN: dict[str, dict[str, Any]] = {
    "quick_replies.1.title": {"quick_replies": [{"title": "A", "payload": "a"}, {"title": " ", "payload": "b"}]},
    "buttons.0.title": {"buttons": [{**BUTTON, "title": "\u200b"}]},
    "cards.0.title": {"type": "carousel", "cards": [{**CARD, "title": "\u3164"}]},
    "cards.0.subtitle": {"type": "carousel", "cards": [{**CARD, "subtitle": "\n"}]},
    "cards.0.buttons.0.title": {"type": "carousel", "cards": [{**CARD, "buttons": [{**BUTTON, "title": "\u2060"}]}]},
    "sections.0.title": {"type": "list", "sections": [{"title": "\u00a0", "rows": [ROW]}]},
    "sections.0.rows.1.title": {"type": "list", "sections": [{"rows": [ROW, {**ROW, "title": "\t"}]}]},
    "sections.0.rows.0.description": {"type": "list", "sections": [{"rows": [{**ROW, "description": " "}]}]},
}


@pytest.mark.parametrize("place", UNSEEN)
@pytest.mark.parametrize("kind", [SaidContent, PublicContent])
def test_a_text_that_cannot_be_seen_is_refused_where_it_stands(kind: Any, place: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python({"type": "text", "text": "Which one?", **UNSEEN[place]})
    told = [(".".join(map(str, error["loc"])), error["type"]) for error in refused.value.errors()]
    assert told == [(place, "text_unseen")]


@pytest.mark.parametrize(
    "more",
    [{"buttons": [BUTTON]}, {"type": "carousel", "cards": [CARD]}, {"type": "list", "sections": [{"rows": [ROW]}]}],
)
def test_what_can_be_seen_and_what_is_left_out_is_taken(more: dict[str, Any]) -> None:
    TypeAdapter(PublicContent).validate_python({"type": "text", "text": "Which one?", **more})


@pytest.mark.django_db
def test_the_api_tells_the_field(api, tenant, scope) -> None:
    ChannelFactory(tenant=tenant, kind="web")
    content = {"type": "text", "text": "Which one?", **UNSEEN["quick_replies.1.title"]}
    client = api(tenant)
    answer = client.post("/api/v2/chat/message", {"user_id": "ada", "channel": "web", "content": content})
    assert answer.status_code == 400
    told = [(one["field"], one["code"]) for one in client.error_of(answer)["details"]]
    assert told == [("content.quick_replies.1.title", "text_unseen")]
