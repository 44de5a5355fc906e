"""The question how it was, by language, as data: what is asked, the five answers from worst to best, and the thanks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class RatingWords(NamedTuple):
    question: str
    answers: tuple[str, str, str, str, str]
    thanks: str


RATING_WORDS: Mapping[str, RatingWords] = {
    "en": RatingWords(
        "How was this conversation?", ("Very poor", "Poor", "Fair", "Good", "Very good"), "Thank you for your feedback!"
    ),
    "de": RatingWords(
        "Wie war dieses Gespräch?", ("Sehr schlecht", "Schlecht", "Mittel", "Gut", "Sehr gut"),
        "Vielen Dank für Ihre Rückmeldung!",
    ),
    "fr": RatingWords(
        "Comment était cette conversation ?", ("Très mauvaise", "Mauvaise", "Moyenne", "Bonne", "Très bonne"),
        "Merci pour votre avis !",
    ),
    "es": RatingWords(
        "¿Qué tal ha sido esta conversación?", ("Muy mala", "Mala", "Regular", "Buena", "Muy buena"),
        "¡Gracias por su opinión!",
    ),
    "it": RatingWords(
        "Com'è stata questa conversazione?", ("Pessima", "Scarsa", "Discreta", "Buona", "Ottima"),
        "Grazie per il suo parere!",
    ),
    "pt": RatingWords(
        "Como foi esta conversa?", ("Muito má", "Má", "Razoável", "Boa", "Muito boa"), "Obrigado pela sua opinião!"
    ),
    "nl": RatingWords(
        "Hoe was dit gesprek?", ("Zeer slecht", "Slecht", "Matig", "Goed", "Zeer goed"), "Bedankt voor uw mening!"
    ),
}  # fmt: skip
