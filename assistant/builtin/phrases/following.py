"""What goes on from the question before, and says nothing by itself: "and on Sunday?", "how much?".

Owns the shapes, in five languages. Must not decide what is answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from assistant.port import HistoryEntry

MOST_WORDS = 4  # of what is added to the question
MOST_BACK = 3  # questions that are looked back over
#: "and …": what stands behind it
ADDED = re.compile(
    r"(?:(?:and|ok|so) )?(?:what|how) about (?P<en>.+)|and (?P<and>.+)"
    r"|(?:und )?(?:was ist|wie ist es|wie sieht es) (?:mit )?(?P<de>.+?)(?: aus)?|und (?P<und>.+)"
    r"|(?:et )?(?:qu['’]en est-il (?:de |d['’]|du |des )?)(?P<fr>.+)|et (?P<et>.+)"
    r"|y (?:qué tal |que tal )?(?P<es>.+)|e (?:que tal )?(?P<pt>.+)",
    re.IGNORECASE,
)
#: what is asked of the same thing
BARE = re.compile(
    r"(?:(?:and|und|et|y|e) )?(?:how much(?: (?:is|does|would) (?:it|that|this)(?: cost)?)?|what does (?:it|that) cost|for how long|how long"
    r"|(?:was|wie ?viel) kostet(?: (?:das|es))?|wie ?viel|wie lange"
    r"|combien(?: ça coûte| de temps)?|(?:ça coûte|c['’]est) combien"
    r"|cu[aá]nto(?: cuesta| vale| es| tiempo)?|quanto(?: custa| é| tempo)?)",
    re.IGNORECASE,
)


def bare(said: str) -> bool:
    """Whether it asks something of what was spoken of, and does not name it."""
    return bool(BARE.fullmatch(_plain(said)))


def added(said: str) -> str:
    """What a text adds to the question before, "" where it stands by itself."""
    plain = _plain(said)
    if bare(said):
        return plain
    found = ADDED.fullmatch(plain)
    rest = next((value for value in found.groups() if value), "") if found else ""
    return rest if 0 < len(rest.split()) <= MOST_WORDS else ""


def question_before(history: Iterable[HistoryEntry]) -> str:
    """The person's last question that stood by itself, "" where there is none."""
    said = [one.text for one in history if one.role == "visitor"][-1 : -MOST_BACK - 1 : -1]
    return next((_plain(text) for text in said if not added(text)), "")


def _plain(said: str) -> str:
    return " ".join(said[:200].split()).strip(" ?!.¿¡,…")
