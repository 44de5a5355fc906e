"""Short texts, and the language of each: they are too short for the model that tells languages.

Owns the letters and words by which they are told. What several of the languages in question share tells none of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import regex

#: whole texts, as they are begun with
WORDS: dict[str, tuple[str, ...]] = {
    "en": ("good morning", "good evening", "thanks", "thank you"),
    "de": ("guten tag", "guten morgen", "guten abend", "moin", "servus", "grüß gott", "danke", "danke schön", "vielen dank"),
    "es": ("hola", "buenas", "buenos días", "buenos dias", "gracias", "muchas gracias"),
    "fr": ("bonjour", "bonsoir", "salut", "slt", "coucou", "merci", "merci beaucoup"),
    "pt": ("olá", "oi", "bom dia", "boa tarde", "boa noite", "obrigado", "obrigada"),
    "it": ("buongiorno", "buonasera", "grazie", "grazie mille"),
    "nl": ("goedemorgen", "goedemiddag", "goedenavond", "dank je", "dank je wel"),
}  # fmt: skip
LANGUAGES = {word: language for language, words in WORDS.items() for word in words}

#: signs, and the languages that write them
SIGNS: dict[str, str] = {
    "¿": "es", "¡": "es", "ñ": "es", "ß": "de", "ä": "de", "ö": "de", "œ": "fr", "ù": "fr it", "û": "fr",
    "ã": "pt", "õ": "pt", "ê": "fr pt", "ç": "fr pt", "í": "es pt", "ú": "es pt", "ü": "de es",
}  # fmt: skip
#: words that stand in any text; one that several languages have stands with each of them
SMALL: dict[str, str] = {
    "en": "the a is are do does you your my i it how what when where who why can and not have to of for much many please this that with we",
    "de": "der die das ein eine ist sind ich du ihr sie wir mein meine wie was wann wo wer warum kann und nicht habt haben geht geht's mit für bitte hallo es kein keine euch dir zu auf gibt",
    "es": "el la los las un una es son yo tú mi mis su cómo como qué que cuándo dónde donde quién cuánto por no y con para favor está estás están hay tienen quiero venden puedo se al del lo",
    "fr": "le la les un une est sont je tu vous nous mon ma mes votre comment que quoi quand où qui pourquoi combien et ne pas avec pour avez êtes es ça il du des moi vendez j n qu",
    "pt": "o a os as um uma é são eu tu você meu minha meus minhas seu como que quando onde quem quanto porque e não com para por favor está estás têm tem quero posso vendem no na do da ao isso",
    "it": "il lo la gli le un una è sono io tu mio mia come che quando dove chi quanto perché e non con per avete posso no di",
    "nl": "de het een is zijn ik je jij u jullie mijn hoe wat wanneer waar wie waarom en niet met voor kan hebben hallo",
}  # fmt: skip
_SPEAKERS = {
    word: frozenset(language for language, words in SMALL.items() if word in words.split())
    for words in SMALL.values()
    for word in words.split()
}
_TOKENS = regex.compile(r"(?<![\p{L}\p{N}])\p{L}[\p{L}']*+(?!\p{N})")  # the letters of a code are no words


def language_begun(text: str, among: Collection[str]) -> str | None:
    """ISO 639-1, where ``text`` is a greeting or a word of thanks and nothing else. ``among``: the languages that count;
    empty: all."""
    said = " ".join(text.casefold().split()).strip(" !.,¡")
    language = LANGUAGES.get(said) or LANGUAGES.get(said.rstrip(said[-1:]) + said[-1:])  # "holaaa"
    return language if not among or language in among else None


def language_by_words(text: str, among: Collection[str]) -> str | None:
    """Which of ``among`` has the most of the text's small words and signs; None where two have as many, or there is a language
    among them that is not known here."""
    if len(among) < 2 or not set(among) <= set(SMALL):
        return None
    folded = text.casefold()
    votes: Counter[str] = Counter()
    for sign in set(folded) & set(SIGNS):
        votes.update(SIGNS[sign].split())
    for word in _TOKENS.findall(folded.replace("’", "'")):
        votes.update(_SPEAKERS.get(word) or _SPEAKERS.get(word.partition("'")[0], frozenset()))
    first, *others = [(votes[language], language) for language in sorted(among, key=votes.__getitem__, reverse=True)]
    return first[1] if first[0] > others[0][0] else None
