"""What goes on from the question before, and says nothing by itself: "and on Sunday?", "how much?".

Owns the shapes, in five languages. Must not decide what is answered.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from assistant.port import HistoryEntry
from channels_app.words.folding import unmarked

MOST_WORDS = 4  # of what is added to the question
MOST_BACK = 3  # questions that are looked back over
_AND = r"(?:(?:and|so|ok|okay|but|und|aber|et|mais|y|pero|e|mas)[ ,]+)?"
#: "and …", "also …", "for …": what stands behind it
ADDED = re.compile(
    unmarked(
        r"(?:(?:and|ok|so) )?(?:what|how) about (?P<en>.+)|(?:and|also) (?P<and>.+)"
        r"|(?:und )?(?:was ist|wie ist es|wie sieht es) mit (?P<de>.+?)(?: aus)?|(?:und|auch) (?P<und>.+)"
        r"|(?:et )?(?:qu['’]en est-il (?:de |d['’]|du |des )?)(?P<fr>.+)|(?:et|aussi) (?P<et>.+)"
        r"|(?:y (?:qué tal |que tal )?|también )(?P<es>.+)|(?:e (?:que tal )?|também )(?P<pt>.+)"
        r"|(?P<of>(?:for|in|with|without|under|over|until|für|ohne|unter|bis|am|im|pour|avec|sans|dans|chez|para|con|sin|com|sem|até|hasta) .+)"
    ),
    re.IGNORECASE,
)
_OF_IT = r"(?:it|that|this|they|those|these)"
#: what is asked of the same thing
BARE = re.compile(
    unmarked(
        rf"{_AND}(?:how much(?: (?:is|are|does|do|would|will) {_OF_IT}(?: (?:cost|be))?)?|what(?: (?:does|do|would|will)|['’]?s) {_OF_IT} (?:cost|price)|(?:(?:what['’]?s |what is )?the )?(?:price|cost)"
        r"|how much (?:for|per|a) (?:\d+ )?(?:day|night|week|hour|person|piece)s?|for how long|how long(?: (?:do i have|have i got|does (?:it|that|this) take|is that|will it take|would (?:it|that) take))?|until when|by when|(?:is|are|would) (?:it|that|this|they) (?:be )?(?:free|for free|included)(?: of charge)?"
        r"|(?:was|wie ?viel) (?:kostet|würde)(?: (?:mich )?(?:das|es|sie|er))?(?: kosten)?(?: denn| dann)?|wie ?viel|(?:der |welcher )?preis|wie teuer(?: ist (?:das|es))?|(?:was kostet (?:das|es)|wie ?viel) (?:pro|am|je|für \d+) (?:tage?|nacht|woche|stück|person)n?|wie lange(?: (?:habe?|hätte) ich(?: zeit)?| dauert (?:das|es))?|bis wann|(?:ist (?:das|es) )?(?:kostenlos|gratis|umsonst)"
        r"|(?:quel |le )?prix|(?:combien|c['’]?est combien|[cç]a (?:fait|co[uû]te|prend) combien)(?: (?:ça|cela|c['’]?est|ça) ?(?:coûte|fait|prend)?| de temps(?: (?:j['’]?ai|ai-je|ça prend|il faut))?)?|combien (?:par|pour \d+) (?:jours?|nuits?|semaines?|personnes?)|jusqu['’]?à quand|(?:c['’]?est|est-ce) (?:gratuit|payant|inclus)"
        r"|(?:cu[aá]nto)(?: (?:cuesta|cuestan|costar[ií]a|vale|valen|es|ser[ií]a|tiempo|dura|tarda))?(?: (?:eso|esto|tengo|lleva))?|cu[aá]nto (?:es|cuesta|sale) (?:por|al|para \d+) (?:d[ií]as?|noches?|semanas?|personas?)|cu[aá]nto (?:duran|tardan)|hasta cu[aá]ndo|(?:es|son) (?:gratis|gratuit[oa]s?)|(?:a |el )?(?:qu[eé] )?precio"
        r"|quanto(?: (?:custa|custam|custaria|é|fica|seria|tempo|dura|demora))?(?: (?:isso|tenho|leva|demora))?|quanto (?:é|custa|fica) (?:por|ao|para \d+) (?:dias?|noites?|semanas?|pessoas?)|quanto tempo (?:duram|demoram)|quanto duram|até quando|(?:o |que )?preço|(?:é|são) (?:grátis|gratuit[oa]s?|de graça))"
    ),
    re.IGNORECASE,
)


FIGURE = re.compile(
    r"\d|\b(?:free|kostenlos\w*|gratis|umsonst|gratuit\w*|years?|jahre?|ans?|anos?|included?|enthalten|compris\w*|incluid[oa]s?)\b",
    re.IGNORECASE,
)


def bare(said: str) -> bool:
    """Whether it asks something of what was spoken of, and does not name it."""
    return bool(BARE.fullmatch(unmarked(_plain(said))))


def added(said: str) -> str:
    """What a text adds to the question before, "" where it stands by itself."""
    plain = _plain(said)
    if bare(said):
        return plain
    found = ADDED.fullmatch(unmarked(plain))
    rest = (
        next((plain[found.start(part) : found.end(part)] for part, value in found.groupdict().items() if value), "")
        if found
        else ""
    )
    return rest if 0 < len(rest.split()) <= MOST_WORDS else ""


def tells_figure(texts: Iterable[str]) -> bool:
    """Whether they say how much or how long: what was asked by `bare`."""
    return any(FIGURE.search(unmarked(text)) for text in texts)


def question_before(history: Iterable[HistoryEntry]) -> str:
    """The person's last question that stood by itself, "" where there is none."""
    said = [one.text for one in history if one.role == "visitor"][-1 : -MOST_BACK - 1 : -1]
    return next((_plain(text) for text in said if not added(text)), "")


def _plain(said: str) -> str:
    return unicodedata.normalize("NFC", " ".join(said[:200].split())).strip(" ?!.¿¡,…")
