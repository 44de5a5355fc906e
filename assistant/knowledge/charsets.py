"""The bytes of a document as text, by the encoding that it declares, or that its language is written in where it declares none.

Owns which encodings count. Must not touch the database or the network, and never guesses words: what gives none is refused.
"""

from __future__ import annotations

import codecs
from contextlib import suppress
from dataclasses import dataclass

import regex

#: by Python's names. Not all that it knows: some are no encodings of pages, and take time by the square of the length (punycode)
ENCODINGS = frozenset(
    "ascii utf-8 utf-8-sig utf-16 utf-16-le utf-16-be mac-roman koi8-r koi8-u tis-620 shift_jis cp932 euc_jp iso2022_jp "
    "gb2312 gbk gb18030 hz big5 cp950 big5hkscs euc_kr cp949".split()
    + [f"iso8859-{part}" for part in range(1, 17)]
    + [f"cp{page}" for page in (874, 866, *range(1250, 1259))]
)
#: labels that stand for more than they name, as the Encoding Standard has it: who writes "latin1" writes quotes of windows-1252
MEANT = {"ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030",
         "shift_jis": "cp932", "euc_kr": "cp949"}  # fmt: skip
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
#: where a page declares its encoding: in its first 1,024 bytes (HTML Standard), or its XML declaration
LOOKED_AT = 1024
DECLARED = (
    regex.compile(rb"(?i)<meta\b[^<>]*?\bcharset\s*=\s*[\"']?\s*([\w:.-]{1,40})"),
    regex.compile(rb"(?i)\A\s*<\?xml\b[^<>]*?\bencoding\s*=\s*[\"']([\w:.-]{1,40})"),
)
#: what Windows writes a language in, and so its spreadsheets a CSV; any other: windows-1252
WINDOWS = {
    language: encoding
    for encoding, languages in {
        "cp1250": "bs cs hr hu pl ro sk sl sq", "cp1251": "be bg kk ky mk mn ru sr tg tt uk", "cp1253": "el", "cp1254": "az ku tr",
        "cp1255": "he yi", "cp1256": "ar fa ur", "cp1257": "et lt lv", "cp1258": "vi", "cp874": "th", "cp932": "ja",
        "cp949": "ko", "gb18030": "zh",
    }.items()
    for language in languages.split()
}  # fmt: skip
WESTERN = "cp1252"
LANGUAGE = regex.compile(rb"(?i)<html\b[^<>]*\blang=[\"']?([a-z]{2})\b")
CONTROL = regex.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
WITHIN = regex.compile(r"\p{Ll}[¢-¦¬±²³¹¼-¿×÷†‡‰]\p{Ll}")  # signs between letters: the letters of another encoding
SELDOM = regex.compile(r"[ŠšŽžÞþÐð]")  # in Western languages; often what Czech, Croatian and Turkish look like
PLAIN, OTHER = regex.compile(r"[A-Za-z]"), regex.compile(r"[^\W\d_A-Za-z]")


class NoText(ValueError):
    """Its words say what is wrong, in English."""


@dataclass(frozen=True)
class Told:
    """What is known beside the bytes. ``charset``: what the server said that they came from; ``language``: ISO 639-1, or ""."""

    charset: str = ""
    language: str = ""
    page: bool = False  # HTML, which may declare its own


def text_of(data: bytes, told: Told) -> str:
    """A mark at its beginning counts first, then what the server said, then what a page declares, then UTF-8. What is none of
    these is read as Windows writes its language, if that gives words. Raises NoText."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return _read(data.removeprefix(mark), encoding)
    if declared := told.charset or (_declared(data) if told.page else ""):
        return _read(data, _known(declared))
    try:
        return _read(data, "utf-8")
    except NoText:
        return _by_language(data, told.language or (_language(data) if told.page else ""))


def _read(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeError:
        raise NoText(f"The document is not {encoding}.") from None
    if "\x00" in text:
        raise NoText("The document is no text.")
    return text


def _declared(data: bytes) -> str:
    """By the page itself: "" where it says nothing."""
    found = next(filter(None, (one.search(data[:LOOKED_AT]) for one in DECLARED)), None)
    label = found[1].decode("ascii", "ignore") if found else ""
    return "utf-8" if label.lower().startswith("utf-16") else label  # it could not be read so far if it were UTF-16


def _language(data: bytes) -> str:
    found = LANGUAGE.search(data[:LOOKED_AT])
    return found[1].decode().lower() if found else ""


def _known(label: str) -> str:
    try:
        name = codecs.lookup(label.strip()).name
    except LookupError:
        name = ""
    if name not in ENCODINGS:
        raise NoText("The document says to be in an encoding that is not known.")
    return MEANT.get(name, name)


def _by_language(data: bytes, language: str) -> str:
    """It declares nothing and is not UTF-8."""
    encoding = WINDOWS.get(language, WESTERN)
    with suppress(NoText):
        text = _read(data, encoding)
        if encoding != WESTERN or _is_western(text, told=bool(language)):
            return text
    raise NoText("The document is not UTF-8, and does not say what else it is: save it as UTF-8.")


def _is_western(text: str, *, told: bool) -> bool:
    """Whether these are words of a language that windows-1252 is for; ``told``: staff say that it is one."""
    foreign = CONTROL.search(text) or WITHIN.search(text) or (not told and SELDOM.search(text))
    return not foreign and len(OTHER.findall(text)) <= len(PLAIN.findall(text))
