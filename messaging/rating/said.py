"""What a typed rating says, stripped of what people put around it: "5!", "5/5", "4 Sterne", "⭐⭐⭐", "٥", "good, thank you".

Owns what may stand around a score. Must not decide what was asked.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 40  # characters of a typed answer
STARS = "⭐★🌟"
_SCORE = re.compile(
    r"([1-5])(?:\s*(?:/|out of|of|von|sur|de|su|van|na|из)\s*5)?"
    r"\s*(?:stars?|sterne?|étoiles?|estrellas?|estrelas?|stell[ae]|sterren|ster|gwiazd\w*|yıldız|つ星|星|颗星|نجوم|نجمات|نجمة|点|分)?"
)
_THANKS = re.compile(
    r"(?:^|[\s,.!;、，。]+)(?:(?:many )?thanks?(?: you)?|thx|ty|vielen dank|danke(?: schön)?|merci(?: beaucoup)?|(?:muchas )?gracias|"
    r"(?:muito )?obrigad[oa]|grazie(?: mille)?|bedankt|dank je(?: wel)?|dziękuję|dzięki|teşekkürler|sağ ol|شكرا|شكرًا|ありがとう(?:ございます)?|谢谢)$"
)


def bare(said: str) -> str:
    """A number from 1 to 5, or words in small letters; "" for what is too long to be an answer."""
    if len(said) > LONGEST:
        return ""
    if 0 < (stars := sum(map(said.count, STARS))) <= 5 and not _without_signs(said):
        return str(stars)
    plain = _without_signs(said)
    plain = _without_signs(_THANKS.sub("", plain)) or plain
    score = _SCORE.fullmatch(plain)
    return score[1] if score else plain


def _without_signs(said: str) -> str:
    """Without emoji and what ends a sentence; digits of every script as 0 to 9."""
    signs = "".join(_as_typed(sign) for sign in unicodedata.normalize("NFKC", said))
    return " ".join(signs.casefold().split()).strip(" .,:;!?)(*")


def _as_typed(sign: str) -> str:
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    kind = unicodedata.category(sign)
    return "" if kind in ("So", "Sk", "Mn", "Me", "Cf", "Cs") and not sign.isalpha() and not _joins(sign) else sign


def _joins(sign: str) -> bool:
    """Marks that are part of a letter; not those that make a digit a key or colour a picture."""
    return unicodedata.category(sign) == "Mn" and not 0xFE00 <= ord(sign) <= 0xFE0F
