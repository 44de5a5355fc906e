"""The web widget: the adapter of the channel that is our own.

Owns its configuration and what the widget can show. Must not deliver: the live push already did,
and messages come in by WebSocket and REST, never by webhook.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from channels_app.adapters.base import Adapter
from channels_app.adapters.config import CommonConfig
from channels_app.content.types import EVERYTHING, MAX_MEDIA_BYTES, MIME_TYPES
from channels_app.contract import BadSignature, CheckResult, Http, OutboundMessage, Payload, RawRequest, SendResult

HOST = r"[A-Za-z0-9\-]+(\.[A-Za-z0-9\-]+)*"
#: a site, "*", or all sub-domains of a domain of at least two labels: all of *.com has no owner
Origin = Annotated[
    str,
    StringConstraints(
        pattern=rf"^(\*|https?://({HOST}|\*\.[A-Za-z0-9\-]+\.{HOST})(:[0-9]{{1,5}})?)$", max_length=255, to_lower=True
    ),
]
Option = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Link = Annotated[str, StringConstraints(pattern=r"^(https?://[^\s\x85\ufeff]+)?$", max_length=500)]
FieldType = Literal["text", "email", "tel", "url", "number", "date", "textarea", "checkbox", "select"]
SUBDOMAINS = re.compile(HOST)
NO_ORIGINS = "no_allowed_origins"


class FormField(BaseModel):
    """One question of the form before the chat. ``name``, ``email`` and ``phone`` are facts of the contact,
    every other name goes into its profile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    label: str = Field(min_length=1, max_length=100)
    type: FieldType = "text"
    required: bool = False
    options: tuple[Option, ...] = Field((), max_length=50)

    @model_validator(mode="after")
    def choosable(self) -> FormField:
        if (self.type == "select") != bool(self.options):
            raise ValueError("a select field, and no other, has options")
        return self


class Starter(BaseModel):
    """A suggestion for the first message: ``title`` is shown and said, ``payload`` is what the bot gets; "" for the
    title itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1, max_length=80)
    payload: str = Field("", max_length=1000)


class Trigger(BaseModel):
    """Words that invite a visitor who has not written yet: ``after_s`` seconds on a page, or with ``on_exit`` when the
    pointer leaves it at the top, once they have been there as long. ``path``: on these pages only, with ``*`` for any
    characters: ``/cart*``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(min_length=1, max_length=200)
    after_s: int = Field(20, ge=0, le=3600)
    path: str = Field("", max_length=200, pattern=r"^(/[^?#\s\x85\ufeff]*)?$")
    on_exit: bool = False


class FieldWords(BaseModel):
    """A question of the form in another language, by its ``name``; ``options`` in the order of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=40)
    label: str = Field("", max_length=100)
    options: tuple[Option, ...] = Field((), max_length=50)


class Translated(BaseModel):
    """What people read of the channel's own words in one language; what is left out stands as the channel has it.
    ``triggers``: the words of its invitations, in their order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field("", max_length=60)
    subtitle: str = Field("", max_length=100)
    greeting: str = Field("", max_length=500)
    launcher_text: str = Field("", max_length=40)
    privacy_url: Link = ""
    starters: tuple[Starter, ...] = Field((), max_length=6)
    triggers: tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...] = Field((), max_length=5)
    pre_chat: tuple[FieldWords, ...] = Field((), max_length=10)


class WebConfig(CommonConfig):
    """One widget. ``allowed_origins`` are the sites that may embed it: ``https://shop.example.com``, all
    sub-domains of a site by ``https://*.example.com``; "*" is for demos only.

    ``identity_secret`` signs the site's statement of who its visitor is; "" allows only visitors
    without a name. ``locale`` "" follows the page, else the visitor's browser.
    """

    title: str = Field(default="Chat", min_length=1, max_length=60, description="What stands at the top of the chat")
    color: str = Field(default="#2563eb", pattern=r"^#[0-9a-fA-F]{6}$", description="Of the launcher, like #2563eb")
    greeting: str = Field(default="", max_length=500, description="The first words that people see in the chat")
    allowed_origins: tuple[Origin, ...] = Field(
        (),
        description="Sites that may show the widget, one per line, like https://shop.example.com; https://*.example.com is "
        "every site below example.com, * is any site: for trials only. Empty: none",
    )
    without_origin: bool = Field(
        default=False, description="Apps and servers may talk, too: clients that are no browsers and send no Origin"
    )
    identity_secret: str = Field(
        "",
        description="Signs your site's word on who its visitor is (docs/channels/web.md); empty: visitors have no name",
    )
    locale: str = Field(
        default="", pattern=r"^([a-z]{2}(-[A-Z]{2})?)?$", description="Language like de or pt-BR; empty: the visitor's"
    )
    position: Literal["left", "right"] = Field("right", description="Side of the page on which the launcher stands")
    subtitle: str = Field(default="", max_length=100, description="A line under the title")
    launcher_text: str = Field(default="", max_length=40, description="Words beside the launcher's icon")
    privacy_url: Link = Field(default="", description="Where your privacy notice stands")
    starters: tuple[Starter, ...] = Field((), max_length=6, description="Suggestions for the first message")
    translations: dict[Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")], Translated] = Field(
        {},
        max_length=30,
        description="All of these words for people who read the chat in another language, like de: as many invitations as there "
        "are, questions by their names",
    )
    triggers: tuple[Trigger, ...] = Field(
        (), max_length=5, description="Invitations beside the launcher: after a time, on certain pages, or on leaving"
    )
    triggers_a_day: int = Field(1, ge=0, le=5, description="How many of them a visitor sees a day")
    pages: Literal["", "path", "full"] = Field(
        "",
        description="Tell staff which page a visitor who writes is on: path, its address without what follows ? and #; "
        "full, all of it; empty, not at all. Say so in your privacy notice",
    )
    pre_chat: tuple[FormField, ...] = Field((), max_length=10, description="What is asked before the chat begins")

    @model_validator(mode="after")
    def asks_once(self) -> WebConfig:
        names = [field.name for field in self.pre_chat]
        if len(set(names)) < len(names):
            raise ValueError("two fields of the form have the same name")
        return self

    @model_validator(mode="after")
    def translates_what_is_there(self) -> WebConfig:
        """Words of something that has gone, or was put elsewhere, would silently be read at another place."""
        for language, words in self.translations.items():
            if words.triggers and len(words.triggers) != len(self.triggers):
                raise ValueError(
                    f"translations, {language}: {len(words.triggers)} triggers for the {len(self.triggers)} of the channel"
                )
            names = [field.name for field in words.pre_chat]
            if len(set(names)) < len(names):
                raise ValueError(f"translations, {language}: two fields of the form have the same name")
            for field in words.pre_chat:
                own = next((one for one in self.pre_chat if one.name == field.name), None)
                if own is None:
                    raise ValueError(f"translations, {language}: the form does not ask {field.name}")
                if field.options and len(field.options) != len(own.options):
                    raise ValueError(
                        f"translations, {language}: {len(field.options)} options for the {len(own.options)} of {field.name}"
                    )
        for asked in self.pre_chat:
            self._options_meant(asked)
        return self

    def _options_meant(self, asked: FormField) -> dict[str, str]:
        """Each option of a question, in every language → the channel's own. Raises ValueError for one that is two."""
        meant = {option: option for option in asked.options}
        for language, words in self.translations.items():
            for field in words.pre_chat:
                for option, own in zip(field.options, asked.options, strict=False) if field.name == asked.name else ():
                    if meant.setdefault(option, own) != own:
                        raise ValueError(f"translations, {language}: “{option}” stands for two options of {asked.name}")
        return meant

    def answers_meant(self, given: Mapping[str, str | bool]) -> dict[str, str | bool]:
        """Answers to the form, the options among them in the channel's own words, in whatever language they were read."""
        meant = {field.name: self._options_meant(field) for field in self.pre_chat if field.options}
        return {
            name: meant.get(name, {}).get(answer.strip(), answer) if isinstance(answer, str) else answer
            for name, answer in given.items()
        }

    def words_in(self, language: str) -> dict[str, Any]:
        """What a widget shows in that language in place of the members of the same names, as JSON; nothing of what is not
        translated."""
        words = self.translations[language]
        told = words.model_dump(exclude_defaults=True, exclude={"triggers", "pre_chat"})
        if words.triggers:
            pairs = zip(self.triggers, words.triggers, strict=True)
            told["triggers"] = [trigger.model_dump() | {"text": text} for trigger, text in pairs]
        if words.pre_chat:
            said = {field.name: field.model_dump(exclude_defaults=True) for field in words.pre_chat}
            told["pre_chat"] = [field.model_dump() | said.get(field.name, {}) for field in self.pre_chat]
        return told

    def allows(self, origin: str) -> bool:
        """Whether the widget may run on ``origin`` (scheme://host[:port], as browsers send it); "": there is none."""
        return (
            self.without_origin
            if not origin
            else any(_covers(allowed, origin.lower()) for allowed in self.allowed_origins)
        )


def _covers(allowed: str, origin: str) -> bool:
    """``https://*.example.com`` covers every sub-domain, however deep, and not the domain itself."""
    scheme, wildcard, domain = allowed.partition("*.")
    if not wildcard:
        return allowed in ("*", origin)
    start, end = len(scheme), len(origin) - len(domain) - 1
    fits = origin.startswith(scheme) and origin.endswith(f".{domain}")
    return fits and bool(SUBDOMAINS.fullmatch(origin[start:end]))


def script_tag(public_url: str, key: str) -> str:
    """What a site puts into its pages to show the widget of the channel with this key."""
    return f'<script async src="{public_url}/static/widget/widget.js" data-channel="{key}"></script>'


class Web(Adapter):
    kind: ClassVar[str] = "web"
    label: ClassVar[str] = "Web widget"
    platform: ClassVar[str] = "the web chat"
    icon: ClassVar[str] = "language"
    config_class: ClassVar[type[CommonConfig]] = WebConfig
    secret_keys: ClassVar[frozenset[str]] = frozenset({"identity_secret"})
    address_keys: ClassVar[frozenset[str]] = frozenset()
    instant: ClassVar[bool] = True
    capabilities = EVERYTHING.model_copy(
        update={
            "can_edit": True,
            "can_delete": True,
            "media_types": dict.fromkeys(MIME_TYPES, MAX_MEDIA_BYTES),
            "typing": True,
            "typing_interval_s": 3,
            "read_marks": True,
            "quotes": True,
            "receipts": frozenset({"delivered", "read"}),
        }
    )

    def verify(self, raw: RawRequest, config: WebConfig, http: Http) -> None:
        raise BadSignature("the web widget has no webhook")

    def check(self, config: WebConfig, http: Http) -> CheckResult:
        """There is no platform to ask; a widget that no site may show does not work, though."""
        if not config.allowed_origins:
            remedy = "Enter its address under Allowed origins on the channel's page."
            return CheckResult("unknown", "No site may show this widget yet.", {"code": NO_ORIGINS, "remedy": remedy})
        return CheckResult("healthy")

    def render(self, message: OutboundMessage, config: WebConfig) -> Sequence[Payload]:
        return ()

    def send(self, payload: Payload, config: WebConfig, http: Http) -> SendResult:
        """Nothing outside is called; render gives nothing to send."""
        return SendResult()
