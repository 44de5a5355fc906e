"""Learning in a process of its own: scikit-learn takes 100 MB and most of a second to load, and both end with it.

Owns that process, and what goes in and out. Must not touch the database; the child needs no Django.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from assistant.features import features_for
from assistant.intents import stages, training
from assistant.intents.arrays import Learnt, pack, unpack
from assistant.knowledge import facts as knowledge

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 600.0
BEHIND = 15  # of the second look, for which no message waits: those that answer come first
GIVE_WAY = "os.path.exists('/proc/self/autogroup') and open('/proc/self/autogroup', 'w').write('{}')"
_one_behind = threading.Lock()  # a process has one second look learnt at a time, however many tenants have changed


class LearningFailed(Exception):
    """The process ended without a result; its own words are in the log of this one."""


def learnt(examples: Sequence[training.Example], facts: Sequence[knowledge.Fact]) -> Learnt:
    """What these teach. Raises LearningFailed."""
    given = {"examples": [asdict(example) for example in examples], "facts": [asdict(fact) for fact in facts]}
    intents = {example.intent for example in examples} - {training.NONE}
    return unpack(_done(given), intents, examples, knowledge.in_order(facts))


def _done(given: Mapping[str, object], nice: int = 0) -> bytes:
    """``nice`` from the child's first moment: what it imports takes longer than many a training. It gives way in a session
    of its own: Linux weighs sessions against each other, and niceness only within one (sched(7), autogroup)."""
    program = f"import {__name__} as apart; apart.main()"
    if nice:
        program = f"import os; os.nice({nice}); {GIVE_WAY.format(nice)}; {program}"
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], input=json.dumps(given).encode(), stdout=subprocess.PIPE, cwd=ROOT,
            timeout=LONGEST_S, check=True, start_new_session=bool(nice),
        )  # fmt: skip
    except subprocess.SubprocessError as error:
        raise LearningFailed(type(error).__name__) from None  # its words would be the examples
    return done.stdout


def meant(
    learnt: Learnt,
    examples: Sequence[training.Example],
    facts: Sequence[knowledge.Fact],
    called: Mapping[str, Sequence[str]],
    network: str,
) -> Learnt:
    """``learnt`` with its second look, which took that network. Raises LearningFailed."""
    given = {
        "examples": [asdict(example) for example in examples],
        "facts": [asdict(fact) for fact in facts],
        "called": called,
        "network": network,
    }  # fmt: skip
    intents = {example.intent for example in examples} - {training.NONE}
    with _one_behind:
        done = _done(given, BEHIND)
    found = unpack(done, intents, examples, knowledge.in_order(facts))
    return replace(learnt, second=found.second)


def meant_here(
    examples: Sequence[training.Example],
    facts: Sequence[knowledge.Fact],
    called: Mapping[str, Sequence[str]],
    network: str,
) -> Learnt:
    """Some 3 s for 500 examples, the loading of the network included."""
    from assistant.embeddings.encoders import encoder

    learnt = learnt_here(examples, facts)
    loaded = encoder(network)
    second, _ = stages.second_look(examples, called, learnt.classifier.features, loaded)
    return replace(learnt, second=second)


def learnt_here(examples: Sequence[training.Example], facts: Sequence[knowledge.Fact]) -> Learnt:
    """About 0.2 s for 500 examples and a second for 3,000, with scikit-learn loaded."""
    texts = [example.text for example in examples]
    features = features_for(texts + [text for fact in facts for text, _ in fact.documents()])
    return Learnt(training.train(examples, features), knowledge.index(facts, features))


def main() -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # the process that asked may end before: this one ends without a word
    given: Mapping[str, Any] = json.load(sys.stdin)
    examples = [training.Example(**one) for one in given["examples"]]
    facts = [knowledge.Fact(**_tuples(one)) for one in given["facts"]]  # type: ignore[arg-type]
    network = given.get("network")
    learnt = meant_here(examples, facts, given["called"], network) if network else learnt_here(examples, facts)
    sys.stdout.buffer.write(pack(learnt))


def _tuples(members: Mapping[str, object]) -> dict[str, object]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in members.items()}
