"""Learning in a process of its own: scikit-learn takes 100 MB and most of a second to load, and both end with it.

Owns that process, and what goes in and out. Must not touch the database; the child needs no Django.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from assistant import knowledge
from assistant.features import features_for
from assistant.intents import training
from assistant.intents.arrays import Learnt, pack, unpack

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 600.0


class LearningFailed(Exception):
    """The process ended without a result; its own words are in the log of this one."""


def learnt(examples: Sequence[training.Example], facts: Sequence[knowledge.Fact]) -> Learnt:
    """What these teach. Raises LearningFailed."""
    given = {"examples": [asdict(example) for example in examples], "facts": [asdict(fact) for fact in facts]}
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__], input=json.dumps(given).encode(), stdout=subprocess.PIPE, cwd=ROOT,
            timeout=LONGEST_S, check=True,
        )  # fmt: skip
    except subprocess.SubprocessError as error:
        raise LearningFailed(type(error).__name__) from None  # its words would be the examples
    intents = {example.intent for example in examples} - {training.NONE}
    return unpack(done.stdout, intents, examples, knowledge.in_order(facts))


def learnt_here(examples: Sequence[training.Example], facts: Sequence[knowledge.Fact]) -> Learnt:
    """About 0.2 s for 500 examples and a second for 3,000, with scikit-learn loaded."""
    texts = [example.text for example in examples]
    features = features_for(texts + [text for fact in facts for text, _ in fact.documents()])
    return Learnt(training.train(examples, features), knowledge.index(facts, features))


def main() -> None:
    given: Mapping[str, Sequence[Mapping[str, object]]] = json.load(sys.stdin)
    examples = [training.Example(**one) for one in given["examples"]]  # type: ignore[arg-type]
    facts = [knowledge.Fact(**_tuples(one)) for one in given["facts"]]  # type: ignore[arg-type]
    sys.stdout.buffer.write(pack(learnt_here(examples, facts)))


def _tuples(members: Mapping[str, object]) -> dict[str, object]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in members.items()}


if __name__ == "__main__":
    main()
