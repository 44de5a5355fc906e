"""What thinking costs, in this process on one core: recognising an intent, a text's language and entities, and a line
of the log.

``python -m benchmarks.cpu.thinking --data FOLDER``: a folder with BANKING77's and CLINC150's training parts
(``banking77_train.csv``, ``clinc150_train.json``); without it only the demo's size is measured. Microseconds of CPU,
each text seen for the first time by what is measured.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

Said = tuple[str, str]  # text, intent
ANSWERED = 0.55  # the confidence from which the assistant answers


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--data", type=Path, help="folder of the public intent data")
    data: Path | None = given.parse_args().data
    os.environ |= {"DJANGO_SETTINGS_MODULE": "chatsvc.settings", "LOG_LEVEL": "ERROR"}
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import django

    django.setup()
    print(f"{'what':34} {'examples':>8} {'right':>7} {'answered':>8} {'of it right':>11} {'refused':>9} {'us':>6}")
    demo()
    texts = everyday()
    if data:
        banking, clinc, unknown = read(data)
        tested = public(banking, clinc, unknown)
        texts += tested[::3]
    understanding(texts)
    line_of_the_log()


def demo() -> None:
    """At the size of the demo shop: every example is asked with one more word, as people do."""
    from assistant.demo import INTENTS
    from assistant.intents.skills import examples_of, skills_of

    taught = [(example.text, example.intent) for example in examples_of(skills_of([]), [])]
    taught += [(text, name) for name, members in INTENTS.items() for text in members.get("examples", ())]
    classified("demo", taught, [(f"{text} today", intent) for text, intent in taught if intent], [])


def public(banking: list[Said], clinc: dict[str, list[Said]], unknown: list[str]) -> list[str]:
    """Texts that were tested."""
    for count in (10, 100):
        taught, tested = drawn(banking, count)
        classified(f"BANKING77, {count} an intent", taught, tested[:3000], [])
    for count in (10, 100):
        taught, _ = drawn(clinc["train"], count)
        classified(f"CLINC150, {count} an intent", taught, clinc["val"], unknown)
    return [text for text, _ in clinc["val"]]


def classified(name: str, taught: Sequence[Said], tested: Sequence[Said], unknown: Sequence[str]) -> None:
    from assistant.features import features_for
    from assistant.intents.common import BACKGROUND
    from assistant.intents.learning.training import NONE, Example, train

    examples = [Example(*said) for said in taught] + [Example(text, NONE) for text in BACKGROUND]
    classifier = train(examples, features_for([example.text for example in examples]))
    found, took_us = measured(classifier.classify, [text for text, _ in tested])
    right = [one.intent == intent for one, (_, intent) in zip(found, tested, strict=True)]
    sure = [ok for ok, one in zip(right, found, strict=True) if one.confidence >= ANSWERED]
    refused = sum(classifier.classify(text).confidence < ANSWERED for text in unknown)
    shares = f"{share(sum(right), len(right)):7} {share(len(sure), len(right)):>8} {share(sum(sure), len(sure)):>11}"
    print(f"{name:34} {len(examples):8} {shares} {refused:5}/{len(unknown):<3} {statistics.median(took_us):6.0f}")


def understanding(texts: list[str]) -> None:
    from channels_app.words.entities import find_entities
    from channels_app.words.text import analyse, language_of

    random.Random(0).shuffle(texts)
    measured(analyse, texts[:100])  # loads the model
    for name, look in (("language", language_of), ("entities", find_entities), ("language, entities, flags", analyse)):
        took_us = measured(look, texts)[1]
        print(
            f"{name:34} {len(texts):8} texts: median {statistics.median(took_us):.0f}, mean {statistics.mean(took_us):.0f} us"
        )


def line_of_the_log() -> None:
    import logging
    import uuid

    import structlog

    from chatsvc.observe import logs

    logs.configure(level="INFO", form="json")
    with open(os.devnull, "w") as nowhere:
        logging.getLogger().handlers[0].setStream(nowhere)  # type: ignore[attr-defined]
        ids = {name: str(uuid.uuid4()) for name in ("correlation_id", "request_id", "conversation_id", "message_id")}
        structlog.contextvars.bind_contextvars(**ids)
        log = structlog.get_logger("benchmarks")
        for name, tell in (("a line at INFO", log.info), ("a line at DEBUG, left out", log.debug)):
            say = partial(tell, "message_accepted", seq=1, repeated=False)
            took_us = measured(lambda kind, say=say: say(kind=kind), ["web"] * 3000)[1]  # type: ignore[misc]
            print(f"{name:34} {len(took_us):8} lines: median {statistics.median(took_us):.1f} us")


def measured(work: Callable[[str], Any], texts: Sequence[str]) -> tuple[list[Any], list[float]]:
    """What ``work`` found in each text, and the microseconds of CPU that it took."""
    found, took_us = [], []
    for text in texts:
        started = time.thread_time_ns()
        found.append(work(text))
        took_us.append((time.thread_time_ns() - started) / 1000)
    return found, took_us


def everyday() -> list[str]:
    """Texts in four languages, and some that are full of entities."""
    from assistant.intents.common import BACKGROUND, COMMON

    texts = [text for languages in COMMON.values() for examples, _ in languages.values() for text in examples]
    dense = [
        "Meine Bestellung AC-10042 ist am 3. März 2026 noch nicht da, bitte rufen Sie +49 30 901820 an",
        "Refund 1.234,50 € please, order #A-4411, mail jo@example.org",
        "see https://example.com/a?b=(c) for 12/11/2026 and 14:30",
        "my flight is on may 5, 2026 from gate 12, call 0044 20 7946 0018",
        "Hola, quiero cambiar mi pedido 556677 por favor",
        "Bonjour, où est ma commande du 12 janvier ? Merci d'avance",
        "Привет, где мой заказ 4455?",
        "日本語のテキストを書いています、お願いします",
    ]
    return [*texts, *BACKGROUND, *dense * 20]


def read(data: Path) -> tuple[list[Said], dict[str, list[Said]], list[str]]:
    with (data / "banking77_train.csv").open() as file:
        banking = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    held = json.loads((data / "clinc150_train.json").read_text())
    clinc = {part: [(text, intent) for text, intent in held[part]] for part in ("train", "val")}
    return banking, clinc, [text for text, _ in held["oos_train"] + held["oos_val"]]


def drawn(said: Sequence[Said], count: int, seed: int = 0) -> tuple[list[Said], list[Said]]:
    """``count`` texts of each intent, and the others, both in an order that hangs on the seed alone."""
    chance, by_intent = random.Random(seed), dict[str, list[str]]()
    for text, intent in said:
        by_intent.setdefault(intent, []).append(text)
    taught, others = list[Said](), list[Said]()
    for intent, texts in sorted(by_intent.items()):
        chance.shuffle(texts)
        taught += [(text, intent) for text in texts[:count]]
        others += [(text, intent) for text in texts[count:]]
    chance.shuffle(others)
    return taught, others


def share(part: float, whole: float) -> str:
    return f"{part / whole:.4f}" if whole else "-"


if __name__ == "__main__":
    main()
