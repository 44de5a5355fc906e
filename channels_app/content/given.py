"""Contents as strangers hand them in: callers of the API, engines, staff who write templates and replies of intents.

Owns what they may not say, beside the shape and limits of any content. Must not know who they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from channels_app.content.types import Content
from tenants.names import text_taken

OF_PEOPLE = ("form", "origin", "contacts", "forwarded")
RICH = ("quick_replies", "buttons", "cards", "sections")
READ = frozenset({"title", "subtitle", "description", "text"})  # members that people are to read


def _of_a_person(content: Content) -> Content:
    if content.quote and content.quote.further:
        raise PydanticCustomError("quotes_one", "one message is quoted: further ones are what platforms tell of people")
    if content.format == "native":
        raise PydanticCustomError("native_format", "format native is the service's own: send plain or markdown")
    if content.full_text is not None:
        raise PydanticCustomError("full_text", "full_text is the service's own: a text has at most 4096 characters")
    if blank := [error for name in RICH for error in _blank_in(getattr(content, name), (name,))]:
        raise ValidationError.from_exception_data("Content", blank)
    return content


def _blank_in(value: Any, at: tuple[str | int, ...]) -> Iterator[InitErrorDetails]:
    """Each text beside the words that is to be read and cannot be seen, with its place: ``text_unseen``."""
    if isinstance(value, BaseModel):
        for name, member in value:
            yield from _blank_in(member, (*at, name))
    elif isinstance(value, tuple):
        for number, member in enumerate(value):
            yield from _blank_in(member, (*at, number))
    elif isinstance(value, str) and at[-1] in READ:
        try:
            text_taken(value)
        except PydanticCustomError as error:
            yield InitErrorDetails(type=error, loc=at, input=value)


def _to_a_person(content: Content) -> Content:
    of_people = next((name for name in OF_PEOPLE if getattr(content, name)), "")
    if of_people:
        raise PydanticCustomError("not_sent", "{name} is what people tell us: it is not sent", {"name": of_people})
    if blank := list(_blank_in(content.text, ("text",))):  # what people say is cleaned where it comes in
        raise ValidationError.from_exception_data("Content", blank)
    return _of_a_person(content)


#: a content that a stranger hands in for a person: ``native`` text would reach a platform unread, marks and all
SaidContent = Annotated[Content, AfterValidator(_of_a_person)]
#: a content that a stranger wants to be sent: of what surrounds it, a quote is all that goes out
PublicContent = Annotated[Content, AfterValidator(_to_a_person)]
