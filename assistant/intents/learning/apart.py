"""Learning in a process of its own: scikit-learn takes 100 MB and most of a second to load, and both end with it.

Owns that process, and what goes in and out: JSON on its standard input; on its standard output lines that tell how far it is,
RESULT, and the bytes of what it found. Must not touch the database; the child needs no Django.
"""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from assistant.features import Features, features_for
from assistant.intents import stages
from assistant.intents.learning import training
from assistant.intents.learning.arrays import FAULTS, Learnt, pack, pack_second, unpack, unpack_second
from assistant.intents.learning.meaning import Meaning
from assistant.knowledge import facts as knowledge

ROOT = Path(__file__).resolve().parents[3]
LONGEST_S, LONGEST_MEASURED_S = 600.0, 3600.0
BEAT_S = 5.0  # how often those who wait are told, however long a step takes
SLOWEST = 6  # times as long it may take on a clock that it gives way to others by: its limit is one of processor time
LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_CPU, ({0}, {0}))"
BEHIND = 15  # of what takes minutes, and of measuring: those that answer come first
SOON = 3_000  # examples whose second look takes some ten seconds at most: until it is there answers are worse, so it does not wait
GIVE_WAY = "os.path.exists('/proc/self/autogroup') and open('/proc/self/autogroup', 'w').write('{}')"
PROGRESS, RESULT = b"progress ", b"result\n"
# A process has one second look learnt at a time, however many tenants have changed, and beside it one that takes minutes.
_one_soon, _one_behind = threading.Lock(), threading.Lock()

#: is told how much is done, 0 to 1, every BEAT_S at least; what it raises ends the process that learns
Told = Callable[[float], None]


class LearningFailed(Exception):
    """The process ended without a result; its own words are in the log of this one."""


def learnt(examples: Sequence[training.Example], facts: Sequence[knowledge.Fact]) -> Learnt:
    """What these teach. Raises LearningFailed."""
    given = {"examples": [asdict(example) for example in examples], "facts": [asdict(fact) for fact in facts]}
    intents = {example.intent for example in examples} - {training.NONE}
    return unpack(_done("learn", given), intents, examples, knowledge.in_order(facts))


def meant(
    learnt: Learnt,
    examples: Sequence[training.Example],
    called: Mapping[str, Sequence[str]],
    network: str,
    told: Told = lambda _: None,
) -> Learnt:
    """``learnt`` with its second look, which took that network. Raises LearningFailed."""
    features = learnt.classifier.features
    given = {
        "examples": [asdict(example) for example in examples],
        "features": {"columns": _words(features.columns), "rarity": _words(features.rarity)},
        "called": called,
        "network": network,
    }  # fmt: skip
    intents = {example.intent for example in examples} - {training.NONE}
    is_soon = len(examples) <= SOON
    with _alone(told, _one_soon if is_soon else _one_behind):
        done = _done("mean", given, 0 if is_soon else BEHIND, told)
    try:
        return replace(learnt, second=unpack_second(done, intents))
    except FAULTS as error:
        raise LearningFailed(type(error).__name__) from None


def measured(
    versions: Sequence[Sequence[training.Example]],
    *,
    own: Sequence[str],
    texts: Sequence[str],
    called: Mapping[str, Sequence[str]],
    network: str,
    sure: float,
    told: Told = lambda _: None,
) -> list[dict[str, Any]]:
    """As `versions.measuring.measured`, there. Raises LearningFailed."""
    given = {
        "versions": [[asdict(example) for example in examples] for examples in versions],
        "own": own, "texts": texts, "called": called, "network": network, "sure": sure,
    }  # fmt: skip
    with _alone(told, _one_behind):
        found: list[dict[str, Any]] = json.loads(_done("measure", given, BEHIND, told, LONGEST_MEASURED_S))
    return found


@contextmanager
def _alone(told: Told, one: threading.Lock) -> Iterator[None]:
    while not one.acquire(timeout=BEAT_S):
        told(0.0)
    try:
        yield
    finally:
        one.release()


# ------------------------------------------------------------------------------ the process


def _done(
    do: str,
    given: Mapping[str, object],
    nice: int = 0,
    told: Told = lambda _: None,
    longest_s: float = LONGEST_S,
) -> bytes:
    """``nice`` from the child's first moment: what it imports takes longer than many a training. It gives way in a session
    of its own: Linux weighs sessions against each other, and niceness only within one (sched(7), autogroup)."""
    program = f"import {__name__} as apart; apart.main()"
    if nice:
        limited = LIMITED.format(max(1, int(longest_s)))
        program = f"import os; os.nice({nice}); {GIVE_WAY.format(nice)}; {limited}; {program}"
    words = json.dumps({"do": do, **given}).encode()
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
        start_new_session=bool(nice),
    ) as child:  # fmt: skip
        longest = threading.Timer(longest_s * SLOWEST if nice else longest_s, child.kill)
        longest.start()
        try:
            assert child.stdin
            with suppress(BrokenPipeError), child.stdin:
                child.stdin.write(words)
            found = _read(child, told)
        except BaseException:
            child.kill()
            raise
        finally:
            longest.cancel()
    if child.returncode or found is None:
        raise LearningFailed("CalledProcessError")  # its words would be the examples
    return found


def _read(child: subprocess.Popen[bytes], told: Told) -> bytes | None:
    """What follows RESULT; None where that never came."""
    assert child.stdout
    pipe, held, share, is_result = child.stdout.fileno(), bytearray(), 0.0, False
    while True:
        if not select.select([pipe], [], [], BEAT_S)[0]:
            told(share)
            continue
        piece = os.read(pipe, 1 << 16)
        held += piece
        while not is_result and b"\n" in held:
            line, _, held = held.partition(b"\n")
            is_result = line + b"\n" == RESULT
            if line.startswith(PROGRESS):
                share = float(line[len(PROGRESS) :])
                told(share)
        if not piece:
            return bytes(held) if is_result else None


def _words(array: Any) -> str:
    return base64.b64encode(array.tobytes()).decode()


# ---------------------------------------------------------------------------------- the child


def learnt_here(examples: Sequence[training.Example], facts: Sequence[knowledge.Fact]) -> Learnt:
    """About 0.2 s for 500 examples and a second for 3,000, with scikit-learn loaded."""
    texts = [example.text for example in examples]
    features = features_for(texts + [text for fact in facts for text, _ in fact.documents()])
    return Learnt(training.train(examples, features), knowledge.index(facts, features))


def meant_here(
    examples: Sequence[training.Example],
    features: Features,
    called: Mapping[str, Sequence[str]],
    network: str,
    told: Told = lambda _: None,
) -> Meaning:
    """Some 3 s for 500 examples, the loading of the network included."""
    from assistant.embeddings.encoders import encoder

    return stages.second_look(examples, called, features, encoder(network), told)[0]


def main() -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # the process that asked may end before: this one ends without a word
    threading.Thread(target=_end_with_the_reader, daemon=True).start()
    given: Mapping[str, Any] = json.load(sys.stdin)
    found = CAN[given["do"]](given)
    sys.stdout.buffer.write(RESULT + found)


def _end_with_the_reader() -> None:
    """A step may take minutes and write nothing, so that SIGPIPE comes late: the pipe itself tells when its reader is gone."""
    watched = select.poll()
    watched.register(sys.stdout.fileno(), 0)  # errors are told whatever is asked for
    watched.poll()
    os._exit(1)


def _learn(given: Mapping[str, Any]) -> bytes:
    facts = [knowledge.Fact(**_tuples(one)) for one in given["facts"]]  # type: ignore[arg-type]
    return pack(learnt_here(_examples(given["examples"]), facts))


def _mean(given: Mapping[str, Any]) -> bytes:
    import numpy as np

    columns, rarity = (base64.b64decode(given["features"][name]) for name in ("columns", "rarity"))
    features = Features(np.frombuffer(columns, np.int32), np.frombuffer(rarity, np.float32))
    examples = _examples(given["examples"])
    return pack_second(meant_here(examples, features, given["called"], given["network"], _tell))


def _measure(given: Mapping[str, Any]) -> bytes:
    from assistant.intents.versions.measuring import measured

    versions = [_examples(examples) for examples in given["versions"]]
    words = {name: given[name] for name in ("own", "texts", "called", "network", "sure")}
    return json.dumps(measured(versions, told=_tell, **words)).encode()


def _tell(share: float) -> None:
    sys.stdout.buffer.write(b"%s%.3f\n" % (PROGRESS, share))
    sys.stdout.buffer.flush()


def _examples(given: Sequence[Mapping[str, str]]) -> list[training.Example]:
    return [training.Example(**one) for one in given]


def _tuples(members: Mapping[str, object]) -> dict[str, object]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in members.items()}


CAN: Mapping[str, Callable[[Mapping[str, Any]], bytes]] = {"learn": _learn, "mean": _mean, "measure": _measure}
