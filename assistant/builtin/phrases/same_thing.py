"""Whether a text is about what was spoken of just now: "can I still cancel it?", "quiero cancelarlo".

Owns the shapes, in five languages. Must not decide what it stands for.
"""

from __future__ import annotations

import regex

from channels_app.words.folding import unmarked

LOOKED_AT = 200  # characters
_AFTER_DE = r"(?=\s*(?:$|[?!.,;]|(?:noch|bitte|denn|jetzt|doch|dann|auch|lieber|wieder|nun|eigentlich|immer|schon|zuruck\p{L}*|stornier\p{L}*|umtausch\p{L}*|abbestell\p{L}*|andern|verfolgen|haben|behalten|nicht|gerne?)\b))"
_SAME = regex.compile(
    unmarked(
        r"\b(?:it|(?:this|that|the\s+same)(?:\s+(?:one|order))?(?=\s*(?:$|[?!.,;]|order|one|please|now|then)))\b"
        rf"|\b(?:es|das|sie|die){_AFTER_DE}|\bdiese\s+bestellung\b"
        r"|\bl['’]\p{L}+(?:er|ir|re)\b|\b(?:la|le)\s+(?:annuler|retourner|renvoyer|rendre|suivre|changer|garder|récupérer|recevoir)\b|\b(?:est-)?elle\b|\bcette\s+commande\b"
        r"|\b(?:cancel|anul|devolv|rastre|cambi|recib|seguir|envi|mand)\p{L}*(?:lo|la)\b|\b(?:lo|la)\s+(?:quiero|puedo|voy\s+a)\b|\bese\s+pedido\b"
        r"|\b\p{L}+-l?[oa]\b|\b(?:posso|quero)\s+(?:o|a)\s+\p{L}+(?:ar|er|ir)\b|\bessa\s+encomenda\b|\besse\s+pedido\b"
    ),
    regex.IGNORECASE,
)
_OTHER = regex.compile(
    unmarked(
        r"\b(?:an)?other\b|\bdifferent\b|\bsecond\b|\bnew\b|\bander\p{L}*\b|\bzweite\p{L}*\b|\bneue\p{L}*\b|\bautres?\b|\bdeuxième\b|\bnouvelle\b"
        r"|\botr[oa]s?\b|\bsegund[oa]\b|\bnuev[oa]\b|\boutr[oa]s?\b|\bnov[oa]\b"
    ),
    regex.IGNORECASE,
)


def of_the_same(text: str) -> bool:
    """False where another one is named."""
    said = unmarked(text[:LOOKED_AT])
    return _SAME.search(said) is not None and _OTHER.search(said) is None
