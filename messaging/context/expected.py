"""What the sender of a message expects its answer to be made of: the hint ``expected_response_type`` (MSG-7).

Owns how an answer is brought into the form that was asked for. Must not add anything to what the engine said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from channels_app.content.fit import fit
from channels_app.content.types import EVERYTHING, Capabilities, Content
from conversations.files.media_links import content_with_links

NO_CHOICES = EVERYTHING.button_types - {"postback"}
#: expected type → what may be shown; of other types an answer is made by the engine, which is told the hint, or not
FORMS: dict[str, Capabilities] = {
    "text": Capabilities(markdown="markdown"),
    "quick_reply": EVERYTHING.model_copy(update={"button_types": NO_CHOICES, "max_list_rows": 0, "templates": True}),
    "list": EVERYTHING.model_copy(update={"button_types": NO_CHOICES, "max_quick_replies": 0, "templates": True}),
}


def as_expected(contents: Sequence[Content], expected: str) -> tuple[Content, ...]:
    """The answer in the form that was asked for: as text, or with its choices as quick replies or a list. Choices that
    are too many for it keep the nearest form, as on a channel that cannot show them."""
    form = FORMS.get(expected)
    if form is None:
        return tuple(contents)
    return tuple(part for content in contents for part in fit(_linked(content, expected), form).parts)


def expected_told(contents: Sequence[Content], hints: Mapping[str, Any]) -> dict[str, Any]:
    """Whether an answer is what was expected; nothing where nothing was."""
    expected = hints.get("expected_response_type")
    if not expected:
        return {}
    kinds = {content.type for content in contents}
    kinds |= {"quick_reply"} if any(content.quick_replies for content in contents) else set()
    kinds |= {"list"} if any(content.sections for content in contents) else set()
    met = kinds == {"text"} if expected == "text" else expected in kinds
    return {"expected_response_met": met}


def _linked(content: Content, expected: str) -> Content:
    """A file of ours becomes an address in the text: one that can be opened."""
    if expected != "text" or content.media is None:
        return content
    return Content.model_validate(content_with_links(content.to_json()))
