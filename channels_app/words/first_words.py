"""Greetings and thanks, and the language of each: they are too short for the model that tells languages.

Owns the words. What several languages share stands in none of them ("hello", "ciao", "ok").
"""

from __future__ import annotations

from collections.abc import Collection

WORDS: dict[str, tuple[str, ...]] = {
    "en": ("good morning", "good evening", "thanks", "thank you"),
    "de": ("guten tag", "guten morgen", "guten abend", "moin", "servus", "grüß gott", "danke", "danke schön", "vielen dank"),
    "es": ("hola", "buenas", "buenos días", "buenos dias", "gracias", "muchas gracias"),
    "fr": ("bonjour", "bonsoir", "coucou", "merci", "merci beaucoup"),
    "pt": ("olá", "bom dia", "boa tarde", "boa noite", "obrigado", "obrigada"),
    "it": ("buongiorno", "buonasera", "grazie", "grazie mille"),
    "nl": ("goedemorgen", "goedemiddag", "goedenavond", "dank je", "dank je wel"),
}  # fmt: skip
LANGUAGES = {word: language for language, words in WORDS.items() for word in words}


def language_begun(text: str, among: Collection[str]) -> str | None:
    """ISO 639-1, where ``text`` is such a word and nothing else. ``among``: the languages that count; empty: all."""
    language = LANGUAGES.get(" ".join(text.casefold().split()).strip(" !.,¡"))
    return language if not among or language in among else None
