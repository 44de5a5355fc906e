"""Examples from files of the two common forms: CSV with the columns text and category, and JSON with lists of
[text, intent] under train, val, test and oos_train, oos_val, oos_test. What is under oos_… belongs to no intent.

Owns reading them. Must not learn.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from assistant.intents.learning.training import NONE, Example

PARTS = ("train", "val", "test")


class NotReadable(ValueError):
    """The file is of neither form; the text says why."""


@dataclass(frozen=True)
class Given:
    """``known`` have an intent, ``unknown`` have none."""

    known: tuple[Example, ...]
    unknown: tuple[Example, ...]


def examples_in(path: Path, part: str) -> Given:
    """The examples of a file. Of JSON the lists of ``part`` ("train" or "test") and those of no intent; where it has no
    list of that name, all it has. Raises NotReadable."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = _json(json.loads(text), part) if path.suffix == ".json" else _csv(text)
        if not all(isinstance(word, str) for one in rows for word in (one.text, one.intent)):
            raise TypeError("a row without its text or category")
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise NotReadable(f"{path.name}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, csv.Error) as error:
        raise NotReadable(f"{path.name}: give CSV with text and category, or JSON lists of [text, intent].") from error
    known, unknown = ([one for one in rows if (one.intent == NONE) is strange] for strange in (False, True))
    if not known:
        raise NotReadable(f"{path.name}: there are no examples in it.")
    return Given(tuple(known), tuple(unknown))


def _csv(text: str) -> list[Example]:
    return [Example(row["text"], row["category"]) for row in csv.DictReader(io.StringIO(text, newline=""))]


def _json(held: dict[str, list[tuple[str, str]]], part: str) -> list[Example]:
    known = [part] if part in held else [name for name in PARTS if name in held]
    unknown = [f"oos_{name}" for name in known]
    if part == "test" and part not in held:
        unknown = [name for name in held if name.startswith("oos_")]
    rows = [Example(text, intent) for name in known for text, intent in held[name]]
    return rows + [Example(text, NONE) for name in unknown for text, _ in held.get(name, ())]


def drawn(examples: Iterable[Example], shots: int, seed: int) -> list[Example]:
    """So many of each intent, drawn by the seed; the same for the same examples and seed."""
    by_intent: dict[str, list[Example]] = {}
    for example in examples:
        by_intent.setdefault(example.intent, []).append(example)
    lots = random.Random(seed)  # noqa: S311  no secret is drawn
    return [one for name in sorted(by_intent) for one in lots.sample(by_intent[name], min(shots, len(by_intent[name])))]
