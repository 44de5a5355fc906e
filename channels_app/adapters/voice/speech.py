"""What is said in a call, and the TwiML that says it.

Owns how written words become speech, and the verbs. Must not know turns, requests or the configuration's
fields beside the phrases.
https://www.twilio.com/docs/voice/twiml
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, SubElement, tostring

import regex
from pydantic import BaseModel, ConfigDict, Field, field_validator

from channels_app.words.markdown import convert

ADDRESS = re.compile(r"https?://[^\s<>\"]+")
PLAIN_PATH = re.compile(r"(?:/[A-Za-z]+){1,2}/?")
ADDRESS_END = ".,;:!?)]}'\""
EMOJI = regex.compile(r"[\p{Extended_Pictographic}\p{Emoji_Modifier}\U0001F1E6-\U0001F1FF\u200d\ufe0e\ufe0f\u20e3]+")
NOT_XML = regex.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
NUMBERED = re.compile(r"(\d)\. (.+)")
MARKS = re.compile(r"(?m)^[^\S\n]*(?:•|———|>(?=\s))\s*")
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
LETTERS_PER_S = 14.0


class Phrases(BaseModel):
    """How the bot speaks one language: voice, and what it says of its own accord."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str = Field(
        default="en-US", pattern=r"^[a-z]{2,3}-[A-Z]{2}$", description="Spoken and understood, as pt-PT"
    )
    voice: str = Field(default="Polly.Joanna", pattern=r"^[A-Za-z0-9._-]{0,80}$", description="Speaks this language")
    greeting: str = Field(default="Hello. How can I help you?", min_length=1, max_length=500)
    no_input: str = Field(default="I did not hear anything.", max_length=500, description="Before the question again")
    unclear: str = Field(default="I did not understand that. Please say it again.", min_length=1, max_length=500)
    filler: str = Field(default="One moment, please.", max_length=500, description="When an answer takes long")
    apology: str = Field(default="I am sorry, I cannot answer that now.", max_length=500)
    transfer: str = Field(default="I will put you through to a colleague.", max_length=500)
    unavailable: str = Field(default="Nobody is free at the moment. Please call again later.", max_length=500)
    goodbye: str = Field(default="Goodbye.", max_length=500)
    option: str = Field(default="For {title}, press {number}.", max_length=200, description="One choice of several")

    @field_validator("option")
    @classmethod
    def names_the_choice(cls, value: str) -> str:
        if "{title}" not in value or "{number}" not in value:
            raise ValueError("option needs {title} and {number}")
        return value


# -------------------------------------------------------------------------- from text


def spoken(words: str, phrases: Phrases) -> str:
    """``words`` as they sound best: no markup, no emoji, addresses by their host, choices by their key."""
    plain = MARKS.sub("", convert(words, "none"))
    heard = EMOJI.sub("", ADDRESS.sub(_address, NOT_XML.sub("", plain)))
    lines = [line for line in (" ".join(line.split()) for line in heard.split("\n")) if line]
    first = len(lines) - keys(words)
    lines = [_option(line, phrases) if place >= first else _ended(line) for place, line in enumerate(lines)]
    return " ".join(lines) or _named(words)


def keys(words: str) -> int:
    """How many choices the numbered list at the end of ``words`` offers; 0 where it is none, or too
    long to be answered with one key."""
    numbers: list[int] = []
    for line in reversed([line.strip() for line in words.split("\n") if line.strip()]):
        found = NUMBERED.fullmatch(line)
        if not found:
            break
        numbers.insert(0, int(found[1]))
    return len(numbers) if len(numbers) > 1 and numbers == list(range(1, len(numbers) + 1)) else 0


def seconds(words: str) -> float:
    """About how long it takes to say ``words``."""
    return round(len(words) / LETTERS_PER_S, 1)


def _option(line: str, phrases: Phrases) -> str:
    number, _, title = line.partition(". ")
    return phrases.option.replace("{number}", number).replace("{title}", title)


def _ended(line: str) -> str:
    """A line is a sentence: without a full stop the voice would run on into the next."""
    return line if unicodedata.category(line[-1]).startswith("P") else f"{line}."


def _address(found: re.Match[str]) -> str:
    whole = found[0].rstrip(ADDRESS_END)
    try:
        parts = urlsplit(whole)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return found[0]
    path = parts.path.rstrip("/") if PLAIN_PATH.fullmatch(parts.path) and not parts.query else ""
    return host + path + found[0][len(whole) :]


def _named(words: str) -> str:
    """What nothing but pictures say: their names."""
    names = (unicodedata.name(sign, "").lower() for sign in words if EMOJI.fullmatch(sign))
    return ", ".join(name for name in names if name and "variation" not in name and "joiner" not in name) or "…"


# --------------------------------------------------------------------------- to TwiML


class Document:
    """A TwiML response, verb by verb. Every text is escaped by the writer."""

    def __init__(self, phrases: Phrases):
        self.root = Element("Response")
        self.phrases = phrases

    def say(self, words: str, parent: Element | None = None) -> Document:
        if words:
            voice = {"voice": self.phrases.voice} if self.phrases.voice else {}
            said = self.verb("Say", parent, **voice, language=self.phrases.language)
            said.text = NOT_XML.sub("", words)
        return self

    def play(self, url: str, parent: Element | None = None) -> Document:
        self.verb("Play", parent).text = url
        return self

    def pause(self, length_s: int) -> Document:
        self.verb("Pause", length=str(length_s))
        return self

    def redirect(self, url: str) -> Document:
        self.verb("Redirect", method="POST").text = url
        return self

    def hang_up(self) -> Document:
        self.verb("Hangup")
        return self

    def dial(self, number: str, action: str, timeout_s: int, *, answered: str) -> Document:
        """``action`` is asked when the talk is over, ``answered`` when it begins."""
        dial = self.verb("Dial", action=action, method="POST", timeout=str(timeout_s))
        told = {"statusCallback": answered, "statusCallbackEvent": "answered", "statusCallbackMethod": "POST"}
        SubElement(dial, "Number", told).text = number
        return self

    def gather(self, attributes: Mapping[str, str]) -> Element:
        return SubElement(self.root, "Gather", dict(attributes))

    def verb(self, name: str, parent: Element | None = None, **attributes: str) -> Element:
        return SubElement(self.root if parent is None else parent, name, attributes)

    def __str__(self) -> str:
        return HEAD + tostring(self.root, encoding="unicode")
