"""Whether a text says what is not to be done: "please do not cancel my order".

Owns the patterns, by language. Features of words and letters tell "cancel" from "return", but not from "do not cancel".
Must not decide what follows.
"""

from __future__ import annotations

import regex

from channels_app.words.folding import unmarked

_STARTS = r"(?:^|[.,;:!?…]|\b(?:please|but|and|so|just|bitte|aber|mais|surtout|por favor|pero|mas)\b)\s*"
#: what follows tells of a state, not of a wish
_STATES_EN = r"(?!know|understand|see|think|remember|find|believe|care|get|work|have|worry)\w+"
_NAMES_DE = r"(?!(?:meine|eine|diese|jene|keine|habe|hatte|heute|danke|bitte|verstehe|weiß|finde|sehe|ich)\b)"
_STATES_ES = r"(?!s[eé]|me|lo|la|le|les|nos|llega|llegó|ha|he|hay|est[aáoy]+|tengo|puedo|funciona|entiendo|gracias|es|encuentro|veo)"
_STATES_PT = (
    r"(?!sei|me|o|a|chegou|há|est[aáou]+|tenho|posso|consigo|funciona|entendi|entendo|obrigad\w|é|encontro|vejo|recebi)"
)

_ACTS = r"(?:return|refund|cancell?ation|exchange|complaint|newsletter|rück(?:gabe|sendung|erstattung)|retoure|umtausch|stornierung|beschwerde|retour|remboursement|annulation|échange|réclamation|devolución|cancelación|anulación|cambio|queja|reclamación|devolução|cancelamento|troca|reclamação|reembolso)\b"
#: by a wish, a duty or a noun
_OTHER_WAYS = (
    r"\b(?:would|['’]d)\s+rather\s+not\b|\bprefer\s+not\b|\bno\s+need\s+to\b|\bunder\s+no\s+circumstances\b",
    r"\b(?:should\s+not|shouldn['’]?t|must\s+not|mustn['’]?t|need\s+not|needn['’]?t)\s+(?!have\b)\p{L}+",
    r"\b(?:cancel|return|send|change|order)\s+nothing\b|(?:^|[.,;!])\s*(?:please\s+)?no\s+cancell?ations?\b",
    r"(?:^|[.,;!])\s*(?:bitte\s+)?nicht\s+(?:\p{L}+ieren|zurück\p{L}+|ändern|löschen|abschicken|verschicken)\b",
    r"\bbitte\s+keine?\s+\p{L}+(?:ung|gabe)\b|\b(?:bloß|auf\s+keinen\s+fall)\s+nicht\b",
    r"\bil\s+ne\s+faut\s+(?:surtout\s+)?pas\b|\bpréf[éè]r\p{L}*\s+ne\s+pas\b",
    rf"{_STARTS}ne\s+(?:l['’]|l[ae]s?\s+)\p{{L}}+(?:ez|e|s)\s+(?:\p{{L}}+\s+)?(?:pas|plus|jamais)\b",
    r"^\s*(?:surtout\s+)?pas\s+d['’e]\s*\p{L}+(?:\s+s['’]il\s+\p{L}+\s+plaît|\s+merci)?[\s!.]*$",
    r"(?<!\bqué\s)(?<!\bpor que\s)\bno\s+(?:lo|la|los|las)\s+(?:cancel|anul|devuelv|mand|env[ií]|cambi)\p{L}*(?:es|en|as|an|éis|áis|e|a)\b",
    r"\bque\s+no\s+se\s+\p{L}+[ea]n?\b|\b(?:prefiero|preferiría)\s+no\b|^\s*nada\s+de\s+\p{L}+r\b",
    r"\bdon['’]?t\s+you\s+dare\b|\b(?:instead\s+of|rather\s+than)\s+(?:\p{L}+ing|cancel|return|send|order|change)\b",
    r"\bauf\s+keinen\s+fall\b|\bbloß\s+nicht\b|\bkeine\s+(?:rücksendung|rückgabe|retoure|stornierung|kündigung)\b",
    r"\bnie(?:mals)?\s+(?:storniert|stornieren|zurückgeschickt|gekündigt|kündigen|verlangt)\b|\b(?:an)?statt\b[^.?!]{0,40}\bzu\p{L}*\p{L}+en\b",
    r"\bn['’](?:ai|avons|avais)\s+jamais\s+(?:demandé|voulu|souhaité)\b|\bpas\s+besoin\s+d['’e]|(?:\bplutôt\s+que|\bau\s+lieu)\s+d['’e]\s*\p{L}+(?:er|ir|re)\b",
    r"\bnunca\s+(?:ped[ií]|quis[e]?|solicit(?:é|ei))\b|\bno\s+(?:hace\s+falta|es\s+necesario)\b|\ben\s+(?:vez|lugar)\s+de\s+\p{L}+r\b",
    r"\bn[ãa]o\s+é\s+(?:preciso|necessário)\b|\bem\s+vez\s+de\s+\p{L}+r\b|\bdesist\p{L}+\s+de\s+\p{L}+r\b",
    # what is to be left: its noun tells that an act is meant
    rf"\b(?:forget|leave|skip|drop|never\s+mind)\s+(?:about\s+)?(?:the|my|that|this)\s+{_ACTS}",
    rf"\b(?:vergiss|vergessen\s+sie|lass(?:en|t)?(?:\s+(?:sie|wir))?|streich\w*)\s+(?:das\s+mit\s+)?(?:die|der|den|das|meine?)\s+{_ACTS}",
    rf"\b(?:oublie[zr]?|laisse[zr]?\s+tomber)\s+(?:l[ea]\s*|l['’]|mon\s+|ma\s+){_ACTS}",
    rf"\b(?:olvid[ae]n?|dej[ae]n?|olvídate\s+de|olvídese\s+de)\s+(?:la|el|lo\s+de\s+la|lo\s+del|mi)\s+{_ACTS}",
    rf"\b(?:esque[cç]\w+|deix[ae]m?)\s+(?:lá\s+)?(?:a|o|da|do|a\s+minha)\s+{_ACTS}",
    r"\b(?:prefiro|preferia)\s+n[ãa]o\b|\bnem\s+pens\p{L}+\s+em\b|\bn[ãa]o\s+é\s+para\s+\p{L}+r\b",
)

# Without marks on letters, as many type.
_DENIALS = regex.compile(
    unmarked(
        "|".join(
            (
                rf"{_STARTS}(?:do not|don['’]?t|never|not to)\s+{_STATES_EN}",
                r"\b(?:i|we)\s+(?:do not|don['’]?t|never)\s+(?:want|wish|like\s+to|intend|ask(?:ed)?)\b",
                r"\b(?:i|we)\s+(?:would not|wouldn['’]?t)\s+(?:want|wish|like)\b",
                r"\bnot\s+(?:asking|going|trying)?\s*to\s+(?:be\s+)?(?:cancel|return|order|buy|stop|change|complain|subscribe)",
                r"\b(?:möchten?|will|wollen|sollt?(?:en|e)?)\b[^.?!]{0,60}\b(?:nichts?|keine?[nrms]?)\b",
                r"\bbitte\b[^.?!]{0,60}\b(?:nichts?|keine?[nrms]?)\b[^.?!,]{0,40}\p{L}+en\b",
                rf"(?:^|[.,;!])\s*(?:bitte\s+)?{_NAMES_DE}\p{{L}}{{3,}}(?:en\s+sie|e)\b[^.?!]{{0,60}}\b(?:nichts?|keine?[nrms]?)\b",
                rf"{_STARTS}(?:ne\s+|n['’])(?!est\b|ai\b|a\b|ont\b)\p{{L}}+\s+(?:\p{{L}}+\s+)?(?:pas|plus|jamais|rien)\b",
                r"\b(?:je|nous|on)\s+ne\s+(?:veu[xt]|voulons|souhait\w+|voudr\w+|désir\w+)\s+(?:pas|plus|rien)\b",
                rf"{_STARTS}ne\s+pas\s+\p{{L}}+(?:er|ir|re)\b",
                rf"{_STARTS}no\s+{_STATES_ES}\p{{L}}{{2,}}(?:[ea][sn]?|éis)\b",
                r"\b(?:no|nunca)\s+(?:quiero|queremos|deseo|quisiera|quería)\b",
                rf"{_STARTS}n[ãa]o\s+{_STATES_PT}\p{{L}}{{2,}}(?:[ea][sm]?)\b",
                *_OTHER_WAYS,
                r"\b(?:não|nao|nunca)\s+(?:quero|queremos|desejo|queria|gostaria)\b",
            )
        )
    ),
    regex.IGNORECASE,
)
#: each denial has one of these; to find that a text has none takes a thirtieth of the time
_NEGATIONS = regex.compile(
    r"n(?:ot|['’]?t|ever|icht|ie|e\s|['’]|o\s|unca|[ãa]o|ada\s|em\s|eed)|kein|\bpas\b|nst(?:ead|att)|rather|statt|lieu|plut[oô]t|vez|lugar|desist|forget|leave|skip|drop|vergess|vergiss|lass|oubli|tomber|dej[ae]|olvid|esque[cç]|deix",
    regex.IGNORECASE,
)
_CLAUSES = regex.compile(
    r"[.,;:!?…\n]+|\b(?:and|but|so|und|aber|sondern|et|mais|y|pero|sino|e|mas)\b", regex.IGNORECASE
)
_NO = regex.compile(
    r"[\s¡]*(?:(?:better|rather|actually|lieber|doch|besser|plutôt|finalement|mejor|casi|melhor|afinal)[\s,]+)?"
    r"(?:(?<=\w[\s,]+)(?:not|nicht)|no|nope|nah|nein|nee|nö|non|não|nao)\b(?:[\s,.!…]+\S+){0,4}[\s.!…]*$",
    regex.IGNORECASE,
)
_IN_THE = regex.compile(r"\s*no\s+\w", regex.IGNORECASE)  # in Portuguese "no" is "in the"
#: in Spanish and Portuguese a sentence that says that something is not so: "no me vale", "não serve"
_NOT_THIS = regex.compile(
    r"[\s¡]*(?:no|nao)\s+(?:me|te|se|le|nos|es|era|est[ao]u?|estan|son|hay|ha|tengo|tenho|tem|serve|servem|sirven?|vale|queda|gusta|gosto"
    r"|funciona|llega|chega|chegou|cabe|caben|coube|fue|foi|encaja|assenta|preciso|necesito)\b",
    regex.IGNORECASE,
)
LOOKED_AT = 1000  # characters
MOST_CLAUSES = 6


def clauses(text: str) -> list[str]:
    """What may be said apart, of two words and more; [] where there is one at most, or more than are looked at."""
    parts = [part.strip() for part in _CLAUSES.split(text[:LOOKED_AT])]
    parts = [part for part in parts if len(part.split()) > 1]
    return parts if 1 < len(parts) <= MOST_CLAUSES else []


def said_in(text: str) -> list[str]:
    """As `clauses`, single words among them: "sorry, are you real?"."""
    parts = [part.strip() for part in _CLAUSES.split(text[:LOOKED_AT])]
    parts = [part for part in parts if part]
    return parts if 1 < len(parts) <= MOST_CLAUSES else []


def begins_with_no(text: str, language: str) -> bool:
    """ "No, wait!", to a question that is answered by yes or no."""
    if _NO.match(text) is None or (language == "pt" and _IN_THE.match(text)):
        return False
    return language not in ("es", "pt") or _NOT_THIS.match(unmarked(text)) is None


def denied(text: str) -> bool:
    """True for a text that forbids or does not wish something, in English, German, French, Spanish or Portuguese. "My
    parcel has not come" forbids nothing."""
    said = text[:LOOKED_AT]
    return _NEGATIONS.search(said) is not None and _DENIALS.search(unmarked(said)) is not None
