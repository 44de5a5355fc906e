"""The person's yes before a tool changes something: what is asked, what is kept, what counts as an answer.

Owns the words and the memory. The question is ours, with the very arguments that are called; nothing that a model says is a
yes, and a yes is one only for what was asked last.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from assistant.builtin.phrases.consents import sign_of
from channels_app.content.types import MAX_TEXT, Content, QuickReply, text
from tenants.names import name_clean

MEMORY = "tool_asked"  # member of the conversation's context
YES, NO = "tool:yes:", "tool:no:"
#: language → the question, yes, no, done, not done; and what else is a yes or a no when it is all that is written
WORDS: dict[str, tuple[str, str, str, str, str]] = {
    "en": ("Shall I do this?", "Yes", "No", "Done.", "That did not work."),
    "de": ("Soll ich das tun?", "Ja", "Nein", "Erledigt.", "Das hat nicht geklappt."),
    "fr": ("Dois-je le faire ?", "Oui", "Non", "C’est fait.", "Cela n’a pas fonctionné."),
    "es": ("¿Lo hago?", "Sí", "No", "Hecho.", "No ha funcionado."),
    "pt": ("Devo fazer isto?", "Sim", "Não", "Feito.", "Não funcionou."),
}
#: language → what the person hears where it is not known whether it was done
UNSURE: dict[str, str] = {
    "en": "I cannot tell whether that was done, so I will not try it again. A colleague checks it and answers here.",
    "de": "Ich weiß nicht, ob das geklappt hat, und versuche es nicht noch einmal. Eine Kollegin oder ein Kollege prüft es und antwortet hier.",
    "fr": "Je ne sais pas si cela a été fait et je ne réessaie pas. Un collègue vérifie et vous répond ici.",
    "es": "No sé si se ha hecho y no lo intento otra vez. Una persona de nuestro equipo lo comprueba y responde aquí.",
    "pt": "Não sei se isso foi feito e não vou tentar de novo. Um colega verifica e responde aqui.",
}
AGREED = {"yes", "yes please", "ja", "ja bitte", "oui", "sí", "si", "sim"}
REFUSED = {"no", "no thanks", "nein", "nein danke", "non", "não", "nao"}


@dataclass(frozen=True)
class Asked:
    """What the person was asked to agree to, as they read it. ``mark`` ties their answer to this question."""

    tool: str
    arguments: Mapping[str, Any]
    mark: str
    title: str

    def to_json(self) -> dict[str, Any]:
        return {"tool": self.tool, "arguments": dict(self.arguments), "mark": self.mark, "title": self.title}


def asked_now(tool: str, title: str, arguments: Mapping[str, Any]) -> Asked:
    """The same question asked again is another one: one yes stands for one call."""
    return Asked(tool, arguments, secrets.token_hex(16), title)


def asked_before(context: Mapping[str, Any]) -> Asked | None:
    """The question that is open, as the context keeps it."""
    kept = context.get(MEMORY)
    if not isinstance(kept, Mapping) or not isinstance(kept.get("arguments"), Mapping):
        return None
    return Asked(str(kept.get("tool", "")), kept["arguments"], str(kept.get("mark", "")), str(kept.get("title", "")))


def question(asked: Asked, language: str) -> Content | None:
    """What the person reads: the tool and every argument. None where that is more than one message can say."""
    lines = [f"{_shown(name)}: {_shown(value)}" for name, value in asked.arguments.items()]
    ask, yes, no, *_ = worded(language)
    said = "\n".join([ask, asked.title, *lines])
    if len(said) > MAX_TEXT:
        return None
    replies = (
        QuickReply(title=yes, payload=f"{YES}{asked.mark}"),
        QuickReply(title=no, payload=f"{NO}{asked.mark}"),
    )
    return text(said, quick_replies=replies)


def _shown(value: Any) -> str:
    """On one line, as it is; what could pass for another line or argument, or is not seen, stands in quotes and escaped."""
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(written) > MAX_TEXT or name_clean(written) == written:
        return written
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(one if one == " " or name_clean(one) else json.dumps(one)[1:-1] for one in quoted)


def answered(asked: Asked, contents: Sequence[Content]) -> Literal["yes", "no", ""]:
    """What the person says to the question: the reply they picked, or a message that is one of the plain words and nothing
    else. A no counts more than a yes, and "" stands for anything else, which is no yes. Two messages of a turn are looked at one
    by one: a yes that was obeyed while the person wrote on must be found again, so that the call is the same one."""
    said = {_answer(asked, content) for content in contents}
    return "no" if "no" in said else "yes" if "yes" in said else ""


def is_stale(contents: Sequence[Content]) -> bool:
    """Whether a reply to a question of ours was picked; with no `answered` it is one to an earlier question, and says nothing to
    the one that is open."""
    return any(content.choice and content.choice.value.startswith((YES, NO)) for content in contents)


def _answer(asked: Asked, content: Content) -> Literal["yes", "no", ""]:
    if content.choice:
        picked = content.choice.value
        return "yes" if picked == f"{YES}{asked.mark}" else "no" if picked == f"{NO}{asked.mark}" else ""
    if content.quote or content.form:  # words of others stand with it
        return ""
    if sign := sign_of(content.text or ""):
        return sign
    plain = " ".join((content.text or "").casefold().strip(" .!\n").replace(",", "").split())
    return "yes" if plain in AGREED else "no" if plain in REFUSED else ""


def unsure(language: str) -> str:
    return UNSURE.get(language.split("-")[0], UNSURE["en"])


def worded(language: str) -> tuple[str, str, str, str, str]:
    return WORDS.get(language.split("-")[0], WORDS["en"])
