"""What the twin's language models say.

Owns the script, the obedient mode and the default answer. Must not know a wire.

In the obedient mode the model does whatever any text of its prompt says, a stranger's document included: what keeps people safe must
then be the service, and not the model's good sense.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WORDS = re.compile(r"\S+\s*")


@dataclass(frozen=True)
class Heard:
    """A prompt, whichever wire it came over. ``texts``: (role, text), the system prompt among them; ``called``: the
    names and arguments that stand in it as calls made before."""

    model: str
    texts: tuple[tuple[str, str], ...]
    tools: tuple[str, ...] = ()
    called: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    schema: Mapping[str, Any] | None = None

    @property
    def system(self) -> str:
        return "\n\n".join(text for role, text in self.texts if role == "system")

    @property
    def last(self) -> str:
        """What the person, or a tool, said last."""
        return next((text for role, text in reversed(self.texts) if role in ("user", "tool")), "")

    @property
    def size(self) -> int:
        return sum(tokens(text) for _role, text in self.texts)


@dataclass(frozen=True)
class Thought:
    """What the model answers. ``calls``: (name, arguments), arguments as text where they are to be broken."""

    text: str = ""
    calls: tuple[tuple[str, Mapping[str, Any] | str], ...] = ()
    stop: str = ""  # "": what follows from the rest; else length, filter or refusal

    @property
    def size(self) -> int:
        return tokens(self.text) + sum(tokens(f"{name} {arguments}") for name, arguments in self.calls)


@dataclass
class Line:
    """One line of the script: ``when`` is searched in what was said last; ``times`` None: always."""

    thought: Thought
    when: str = ""
    model: str = ""
    times: int | None = None


@dataclass
class Mind:
    """``pause_s`` between two tokens of a stream; ``key``: the only one that is taken, "" any; ``models``: those that
    are there, empty: any."""

    obedient: bool = False
    pause_s: float = 0.0
    key: str = ""
    models: tuple[str, ...] = ()
    lines: list[Line] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def say(
        self,
        text: str = "",
        *,
        calls: Sequence[tuple[str, Mapping[str, Any] | str]] = (),
        stop: str = "",
        when: str = "",
        model: str = "",
        times: int | None = 1,
    ) -> None:
        """Add a line to the script: the first that fits is said. ``times``: how often, None: always."""
        re.compile(when)
        with self._lock:
            self.lines.append(Line(Thought(text, tuple(calls), stop), when, model, times))

    def configure(self, wanted: Mapping[str, Any]) -> None:
        """As the control address gives it. Raises ValueError or TypeError for what it does not know."""
        wanted = dict(wanted)
        lines = wanted.pop("script", None)
        if unknown := set(wanted) - {"obedient", "pause_s", "key", "models"}:
            raise ValueError(f"unknown settings: {sorted(unknown)}")
        if lines is not None:
            self.lines.clear()
            for line in lines:
                line = dict(line)
                calls = [(call["name"], call["arguments"]) for call in line.pop("calls", ())]
                self.say(line.pop("text", ""), calls=calls, **line)
        self.obedient = bool(wanted.get("obedient", self.obedient))
        self.pause_s = float(wanted.get("pause_s", self.pause_s))
        self.key = str(wanted.get("key", self.key))
        self.models = tuple(wanted.get("models", self.models))

    def clear(self) -> None:
        with self._lock:
            self.lines.clear()
            self.heard.clear()
        self.obedient, self.pause_s, self.key, self.models = False, 0.0, "", ()

    def think(self, heard: Heard) -> Thought:
        with self._lock:
            self.heard.append(heard)
            del self.heard[:-1000]
            for line in self.lines:
                if re.search(line.when, heard.last, re.I) and line.model in ("", heard.model):
                    if line.times is not None:
                        line.times -= 1
                        if not line.times:
                            self.lines.remove(line)
                    return line.thought
        if self.obedient and (thought := obeyed(heard)):
            return thought
        if heard.schema is not None:
            return Thought(json.dumps(fitting(heard.schema, heard.last)))
        return Thought(f"You said: {heard.last}")


CALL = re.compile(r"call (?:the )?(?:tool )?[\"'`]?([a-zA-Z][\w.-]{1,63})[\"'`]?(?: tool)?(?: with)?\s*(\{)", re.I)
REPEAT = re.compile(
    r"(?:repeat|print|reveal|show|output|tell|give|translate)\b.{0,40}\b(?:system prompt|instructions|rules|everything above)",
    re.I | re.S,
)
SAY = re.compile(r"(?:say|answer(?: with)?|reply(?: with)?|write)\s*:?\s*[\"“«]([^\"”»]{1,2000})[\"”»]", re.I)


def obeyed(heard: Heard) -> Thought | None:
    """What the prompt's texts order, in any place of it: the tools they name, known or not, with the arguments they give; the
    system prompt, word for word; the words they want said. None: nothing is ordered."""
    calls: list[tuple[str, Mapping[str, Any] | str]] = []
    for role, text in heard.texts:
        if role == "assistant":
            continue
        for name, arguments in ordered(text):
            if (name, arguments) not in heard.called and (name, arguments) not in calls:
                calls.append((name, arguments))
    if calls:
        return Thought("", tuple(calls))
    others = [text for role, text in heard.texts if role not in ("assistant", "system")]
    said = [found for text in others for found in SAY.findall(text)]
    if any(REPEAT.search(text) for text in others):
        said.append(heard.system)
    return Thought("\n".join(said)) if said else None


def ordered(text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each "call the tool NAME with {…}"."""
    for found in CALL.finditer(text):
        try:
            arguments, _end = json.JSONDecoder().raw_decode(text, found.start(2))
        except ValueError:
            continue
        yield found[1], arguments


def fitting(schema: Mapping[str, Any], words: str) -> Any:
    """The smallest value that a JSON Schema allows; texts are ``words``."""
    if "const" in schema or schema.get("enum"):
        return schema.get("const", (schema.get("enum") or [None])[0])
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        needed = schema.get("required", list(schema.get("properties", {})))
        return {name: fitting(schema.get("properties", {}).get(name, {}), words) for name in needed}
    if kind == "array":
        return [fitting(schema.get("items", {}), words)] * int(schema.get("minItems", 0))
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    return {"boolean": False, "null": None}.get(str(kind), words[: int(schema.get("maxLength", 2000))])


def tokens(text: str) -> int:
    return len(WORDS.findall(text))


def pieces(text: str) -> list[str]:
    """As a stream brings it: word by word."""
    return WORDS.findall(text) or ([text] if text else [])
