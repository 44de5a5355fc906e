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
    "pl": RatingWords(
        "Jak oceniasz tę rozmowę?", ("Bardzo źle", "Źle", "Średnio", "Dobrze", "Bardzo dobrze"), "Dziękujemy za opinię!"
    ),
    "tr": RatingWords(
        "Bu görüşme nasıldı?", ("Çok kötü", "Kötü", "Orta", "İyi", "Çok iyi"), "Geri bildiriminiz için teşekkürler!"
    ),
    "ar": RatingWords(
        "كيف كانت هذه المحادثة؟", ("سيئة جدا", "سيئة", "مقبولة", "جيدة", "جيدة جدا"), "شكرا لك على رأيك!"
    ),
    "ja": RatingWords(
        "今回の対応はいかがでしたか？", ("とても悪い", "悪い", "普通", "良い", "とても良い"), "ご意見ありがとうございます。"
    ),
    "zh": RatingWords("您对这次对话满意吗？", ("很差", "差", "一般", "好", "很好"), "感谢您的反馈！"),
}  # fmt: skip
