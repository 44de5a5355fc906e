"""What a message template becomes (MSG-6): its language, its variables, its form on one channel.

A tenant's own template has a content per language; on a channel whose platform approves templates it maps
to one of those (``external``). Owns the rendering. Must not store, send or fetch anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from mimetypes import guess_type
from typing import Any

from django.db.models import Q
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from channels_app.content.given import PublicContent
from channels_app.content.normalise import clean_text
from channels_app.content.types import MAX_TEXT, MIME_TYPES, Content, Media, TemplateUse
from channels_app.models import Channel, MessageTemplate
from channels_app.words.split import shorten
from tenants.api.parse import problems
from tenants.errors import NotFound, Unprocessable

VARIABLE = re.compile(r"\{\{\s*([\w.]{1,64})\s*\}\}")
LANGUAGE = r"^[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*$"
APPROVED = "approved"
#: variable that names the file of a header → the type of one whose address does not tell
HEADERS = {"header.image": "image/jpeg", "header.video": "video/mp4", "header.document": "application/pdf"}


class PlatformTemplate(BaseModel):
    """The template that a platform has approved for the same purpose. ``parameters``: its variables, each a
    text with ours (``{"1": "{{order}}"}``); empty: both have the same names."""

    model_config = ConfigDict(extra="forbid")

    template: str = Field("", max_length=512, description="Its name there; empty: the same")
    language: str = Field("", max_length=15, description="Its language there; empty: the nearest")
    parameters: dict[str, str] = Field(default_factory=dict, max_length=50)


class Variant(BaseModel):
    """A template in one language: a content whose texts hold ``{{variable}}``, and what stands there when
    the caller gives nothing."""

    model_config = ConfigDict(extra="forbid")

    content: dict[str, Any] = Field(description="A Content; {{variable}} may stand in any of its texts")
    defaults: dict[str, str] = Field(default_factory=dict, max_length=50)
    external: PlatformTemplate | None = None

    @model_validator(mode="after")
    def renders(self) -> Variant:
        if self.content.get("type") == "template":
            raise ValueError("a template cannot hold another template")
        _Public.model_validate({"content": _filled_in(self.content, _StandIn())})
        return self


class _Public(BaseModel):
    content: PublicContent


_RENDERED: TypeAdapter[Content] = TypeAdapter(PublicContent)


class _StandIn(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "x"


# ---------------------------------------------------------------------------- variables


def variables_in(value: Any) -> list[str]:
    """The names of the variables in all texts of a JSON value, in their order, each once."""
    return list(dict.fromkeys(name for text in _texts(value) for name in VARIABLE.findall(text)))


def render(content: Mapping[str, Any], values: Mapping[str, str]) -> Content:
    """``content`` with its variables filled in: once, so a value that looks like a variable stays as it is,
    and without escaping. Raises Unprocessable ``template_variable_missing``, ``template_invalid`` (over a
    limit, say, or no address any more)."""
    _require(variables_in(content), values)
    try:
        return _RENDERED.validate_python(_filled_in(content, values))
    except ValidationError as error:
        raise Unprocessable(
            "With these variables the template makes no valid message.",
            code="template_invalid",
            details=problems(error),
        ) from None


def _require(names: Iterable[str], values: Mapping[str, str]) -> None:
    if missing := [name for name in names if name not in values]:
        raise Unprocessable(
            f"The template needs a value for {', '.join(missing)}.",
            code="template_variable_missing",
            details={"variables": missing},
        )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, (list, tuple)):
        for member in value:
            yield from _texts(member)


def _filled_in(value: Any, values: Mapping[str, str], key: str = "") -> Any:
    if isinstance(value, str):
        if isinstance(values, _StandIn) and key.endswith("url") and VARIABLE.fullmatch(value):
            return "https://example.org"
        return VARIABLE.sub(lambda match: values[match[1]], value)
    if isinstance(value, Mapping):
        return {name: _filled_in(member, values, name) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled_in(member, values, key) for member in value]
    return value


# ---------------------------------------------------------------------------- languages


def language_of(variants: Mapping[str, Any], wanted: Sequence[str]) -> str:
    """The variant to use: for each of ``wanted`` in turn the very language, its base (en-GB → en) or a
    sister (en → en_US); else the first by name. ``variants`` is not empty."""
    by_tag = {tag_of(language): language for language in sorted(variants)}
    for tag in map(tag_of, filter(None, wanted)):
        base = tag.partition("-")[0]
        sisters = [known for known in by_tag if known.partition("-")[0] == base]
        for candidate in (tag, base, *sisters):
            if candidate in by_tag:
                return by_tag[candidate]
    return sorted(variants)[0]


def tag_of(language: str) -> str:
    """How languages compare: platforms write en_US, browsers en-US."""
    return language.replace("_", "-").casefold()


# ----------------------------------------------------------------------------- channels


def template_resolved(channel: Channel, content: Content, languages: Sequence[str] = ()) -> Content:
    """``content`` as it is stored and sent on ``channel``. The use of a template becomes the platform's
    approved one where there is one, else the content of our own; everything else stays as it is, and so does what the
    use of a template quotes.

    The language is the one the caller names, else the first of ``languages`` (the person's, the tenant's)
    that there is. Raises NotFound ``template_not_found``, Unprocessable ``template_not_approved``,
    ``template_variable_missing``, ``template_invalid``.
    """
    use = content.template
    if content.type != "template" or use is None:
        return content
    resolved = _resolved(channel, content, use, languages)
    return resolved.model_copy(update={"quote": content.quote}) if content.quote else resolved


def _resolved(channel: Channel, content: Content, use: TemplateUse, languages: Sequence[str]) -> Content:
    named = [use.language] if "language" in use.model_fields_set else []
    wanted = [*named, *languages, use.language]
    rows = MessageTemplate.objects.filter(Q(channel=channel) | Q(channel=None), name=use.name)
    found = {row.channel_id is None: row for row in rows}
    own, theirs = found.get(True), found.get(False)
    if channel.adapter.capabilities.templates:
        approved = _approved(channel, own, theirs, use, wanted, content.media)
        if approved:
            return approved
    if own and own.variants:
        variant = own.variants[language_of(own.variants, wanted)]
        return render(variant["content"], {**variant.get("defaults", {}), **use.variables})
    if theirs:
        raise Unprocessable("The platform has not approved this template.", code="template_not_approved")
    if channel.adapter.capabilities.templates and not channel.adapter.lists_templates:
        # only the platform knows its templates
        values = {name: line_of(value) for name, value in use.variables.items()}
        _require(values, {name: value for name, value in values.items() if value})
        return content.model_copy(update={"template": use.model_copy(update={"variables": values})})
    raise NotFound("There is no such template.", code="template_not_found")


def _approved(
    channel: Channel,
    own: MessageTemplate | None,
    theirs: MessageTemplate | None,
    use: TemplateUse,
    wanted: Sequence[str],
    media: Media | None,
) -> Content | None:
    """The use of the platform's approved template, with the words that it will have; None without one. Its values are
    lines without runs of blanks, as platforms take nothing else; ``media`` fills a header that shows a file."""
    values, mapping = dict(use.variables), PlatformTemplate()
    if own and own.variants:
        variant = own.variants[language_of(own.variants, wanted)]
        values = {**variant.get("defaults", {}), **values}
        mapping = PlatformTemplate.model_validate(variant.get("external") or {})
        if mapping.template and mapping.template != use.name:
            theirs = MessageTemplate.objects.filter(channel=channel, name=mapping.template).first()
    approved = usable_variants(theirs) if theirs else {}
    if not theirs or not approved:
        return None
    language = language_of(approved, [mapping.language] if mapping.language else wanted)
    if mapping.language and tag_of(language) != tag_of(mapping.language):
        return None
    words = approved[language]["content"]
    for name, text in mapping.parameters.items():
        _require(variables_in(text), values)
        values[name] = _filled_in(text, {**values})
    names = variables_in(words)
    header = next((name for name in names if name in HEADERS), "")
    if header and media:
        values[header] = media.url
    values = {name: filled for name, value in values.items() if (filled := line_of(value))}
    _require(names, values)
    file = _file_of(header, values[header], media) if header else None
    rendered = render(words, {**values, **({header: f"[{header.partition('.')[2]}]"} if header else {})})
    said = {name: values[name] for name in names if name != header}
    sent = TemplateUse(name=theirs.name, language=language, variables=said)
    return Content(type="template", text=rendered.text, template=sent, media=file)


def line_of(value: str) -> str:
    """A value as one line, without what cannot be seen."""
    return " ".join(clean_text(value, rich=True).split())


def _file_of(header: str, address: str, media: Media | None) -> Media:
    """The file of a header, by what is known of it or by how its address ends. Raises Unprocessable ``template_invalid``."""
    if media:
        return media
    guessed = guess_type(address.partition("?")[0])[0] or ""
    try:
        return Media(url=address, type=guessed if guessed in MIME_TYPES else HEADERS[header])
    except ValidationError as error:
        details = [{**problem, "field": f"template.variables.{header}"} for problem in problems(error)]
        raise Unprocessable("The header shows a file.", code="template_invalid", details=details) from None


def usable_variants(template: MessageTemplate) -> dict[str, Any]:
    """The languages of a platform's template that may be sent now."""
    return {
        language: variant
        for language, variant in template.variants.items()
        if (said := variant.get("external") or {}).get("status") == APPROVED and not said.get("unsupported")
    }


def templates_approved(channel: Channel) -> list[dict[str, Any]]:
    """What may be said on ``channel`` when its reply window is closed: name, language and variables of
    each approved template."""
    if not channel.adapter.capabilities.templates:
        return []
    return [
        {"name": row.name, "language": language, "variables": variables_in(variant["content"])}
        for row in MessageTemplate.objects.filter(channel=channel).order_by("name")
        for language, variant in sorted(usable_variants(row).items())
    ]


def templates_for(channel: Channel) -> list[dict[str, Any]]:
    """What staff can choose from on ``channel``: the platform's approved templates and the tenant's own."""
    own = [
        {"name": row.name, "language": language, "variables": variables_in(variant.get("content"))}
        for row in MessageTemplate.objects.filter(channel=None).order_by("name")
        for language, variant in sorted(row.variants.items())
    ]
    known = {(template["name"], template["language"]) for template in own}
    return own + [t for t in templates_approved(channel) if (t["name"], t["language"]) not in known]


def said_by(variant: Mapping[str, Any]) -> str:
    """The words of a variant for people who look at it: its defaults filled in, other variables left."""
    text = str((variant.get("content") or {}).get("text") or "")
    return VARIABLE.sub(lambda match: (variant.get("defaults") or {}).get(match[1], match[0]), text)


def words_of(text: str) -> dict[str, Any]:
    """The content of a platform's template, which is text as far as we are concerned."""
    return {"type": "text", "text": shorten(text, MAX_TEXT) or "…"}
