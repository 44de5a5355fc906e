"""What a conversation was about, in a few lines for a colleague who comes new to it (AI-10, AI-6).

Owns which of a person's words are quoted and what the assistant had tried. Without a model; must not change a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from channels_app.words.folding import folded
from channels_app.words.split import shorten
from conversations.models import Conversation, Message
from conversations.safety import WHY

MOST_READ = 200  # messages, the newest; beside the person's first one
QUOTED = 4  # of the person's messages
LONGEST = 200  # characters of one
MOST_TRIED = 6
MOST_KNOWN = 12  # slots
FEW_WORDS = 3  # a message of fewer says little by itself ("hello", "yes")
#: intents that carry a talk on, whatever it is about: what the assistant answered them with was no try
CARRY_ON = frozenset(
    {
        "greeting",
        "goodbye",
        "thanks",
        "how_are_you",
        "who_are_you",
        "upset",
        "apology",
        "help",
        "human",
        "yes",
        "no",
        "cancel",
    }
)
SPOKEN = (Message.Role.VISITOR, Message.Role.BOT, Message.Role.AGENT)
FIELDS = ("seq", "role", "text", "content_type", "analysis")


@dataclass(frozen=True)
class Summary:
    """``asked``: the person's words, shortened, in their order. ``known``: slots that were filled. ``tried``: what the
    assistant took the words for or told from its knowledge; greetings and the request for a human are left out. ``text`` spells
    names of slots and intents as words. ``waits``: words that are not answered yet, 0 for none;
    ``messages``: how many were read, ``left_out`` how many were not."""

    asked: tuple[str, ...]
    known: Mapping[str, str]
    tried: tuple[str, ...]
    waits: int
    messages: int
    left_out: int

    @property
    def text(self) -> str:
        lines = [f"Asked: {' … '.join(f'“{words}”' for words in self.asked)}"] if self.asked else []
        if self.known:
            lines.append("Known: " + ", ".join(f"{_spelt(name)} {value}" for name, value in self.known.items()))
        if self.tried:
            lines.append("The assistant tried: " + ", ".join(map(_spelt, self.tried)))
        if self.waits:
            lines.append(f"Not answered yet: {self.waits} message{'s' if self.waits > 1 else ''}")
        return "\n".join(lines) or "Nothing was said yet."

    def to_json(self) -> dict[str, Any]:
        told = asdict(self) | {"asked": list(self.asked), "known": dict(self.known), "tried": list(self.tried)}
        return {"text": self.text, **told}


def summary_of(conversation: Conversation) -> Summary:
    """Three statements, however long the conversation is."""
    rows = Message.objects.filter(conversation=conversation, deleted_at=None, role__in=SPOKEN)
    newest = list(rows.order_by("-seq").values_list(*FIELDS, named=True)[:MOST_READ])[::-1]
    total = rows.count() if len(newest) == MOST_READ else len(newest)
    theirs = [row for row in newest if row.role == Message.Role.VISITOR]
    if total > len(newest):
        first = rows.filter(role=Message.Role.VISITOR).order_by("seq").values_list(*FIELDS, named=True).first()
        theirs = [first, *theirs] if first and first.seq not in {row.seq for row in theirs} else theirs
    answered = max((row.seq for row in newest if row.role != Message.Role.VISITOR), default=0)
    slots = conversation.context.get("slots")
    return Summary(
        asked=tuple(_quoted(theirs)),
        known=_known(slots if isinstance(slots, Mapping) else {}),
        tried=tuple(_tried([row for row in newest if row.role == Message.Role.BOT])),
        waits=sum(row.seq > answered for row in theirs),
        messages=len({row.seq for row in (*theirs, *newest)}),
        left_out=total - len({row.seq for row in (*theirs, *newest)}),
    )


def _quoted(theirs: Sequence[Any]) -> list[str]:
    """The first and the last that say something, and between them those with the most words that the others lack."""
    said = {row.seq: _words(row) for row in theirs}
    telling = [row for row in theirs if len(said[row.seq]) >= FEW_WORDS] or list(theirs)
    telling = list({folded(row.text) or row.seq: row for row in telling}.values())  # of repeats the last
    telling.sort(key=lambda row: row.seq)
    chosen = {row.seq: row for row in (*telling[:1], *telling[-1:])}
    while len(chosen) < min(QUOTED, len(telling)):
        heard = set().union(*(said[seq] for seq in chosen))
        rest = [row for row in telling if row.seq not in chosen]
        best = max(rest, key=lambda row: (len(said[row.seq] - heard), row.seq))
        chosen[best.seq] = best
    return [_shown(chosen[seq]) for seq in sorted(chosen)]


def _words(row: Any) -> set[str]:
    return set(folded(row.text).split())


def _shown(row: Any) -> str:
    return shorten(" ".join(row.text.split()), LONGEST) or f"[{row.content_type}]"


def _spelt(name: str) -> str:
    """An article's title stays as it is written."""
    return name if name.startswith("“") else name.replace("_", " ")


def _known(slots: Mapping[str, Any]) -> dict[str, str]:
    filled = {str(name): shorten(str(value), LONGEST) for name, value in slots.items() if value}
    return dict(list(filled.items())[:MOST_KNOWN])


def _tried(answers: Sequence[Any]) -> list[str]:
    """Intents by name, articles by title; each once, the latest last."""
    tried: dict[str, None] = {}
    for row in answers:
        sources = (row.analysis.get(WHY) or {}).get("sources") or ()
        titles = [f"“{source['title']}”" for source in sources if isinstance(source, dict) and source.get("title")]
        intent = row.analysis.get("intent")
        for name in titles or ([intent] if intent and intent not in CARRY_ON else []):
            tried.pop(name, None)
            tried[name] = None
    return list(tried)[-MOST_TRIED:]
