"""What was learnt, as bytes and back: NumPy's .npz, read without pickle.

Owns the format; a change of it changes `training.FORMAT`. Must not touch the database.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from assistant import features
from assistant.intents.learning import training
from assistant.intents.learning.meaning import Meaning
from assistant.knowledge import facts as knowledge

TAUGHT = "taught"
LEVEL = 1  # of zlib: numbers hardly shrink, and 6 takes twice the time for 6 % fewer bytes
FAULTS = (ValueError, KeyError, OSError, EOFError, IndexError, zipfile.BadZipFile)  # of bytes that are no model


@dataclass(frozen=True)
class Learnt:
    """All that training makes, and all that it takes to answer. ``second`` is learnt later, in the background."""

    classifier: training.Classifier
    knowledge: knowledge.Knowledge
    second: Meaning | None = None

    @property
    def size(self) -> int:
        """Bytes of its arrays in memory."""
        return sum(array.nbytes for array in _arrays(self).values())


def pack(learnt: Learnt, taught: Sequence[training.Example] = (), level: int | None = None) -> bytes:
    """``taught``: the examples, for `taught_of`. ``level``: of zlib; None: LEVEL."""
    words: dict[str, Any] = {
        "names": learnt.classifier.scorer.names,
        "facts": [fact.id for fact in learnt.knowledge.facts],
    }
    if learnt.second:
        words |= {"second_names": learnt.second.names, "second_model": learnt.second.model}
    examples = [[example.text, example.intent] for example in taught]
    return _npz(
        {"words": _as_array(words), "taught": _as_array(examples), **_arrays(learnt)}, LEVEL if level is None else level
    )


def _npz(held: dict[str, Any], level: int) -> bytes:
    """As NumPy's ``savez_compressed``, which leaves no choice of the level."""
    import numpy as np

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, array in held.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
    return file.getvalue()


def taught_of(data: bytes) -> tuple[training.Example, ...]:
    """The examples it was learnt from; none of bytes that an earlier release kept. Raises one of FAULTS."""
    import numpy as np

    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        if TAUGHT not in file.files:
            return ()
        return tuple(training.Example(text, intent) for text, intent in json.loads(file[TAUGHT].tobytes()))


def pack_second(second: Meaning) -> bytes:
    """The second look by itself, for `unpack_second`."""
    import numpy as np

    file = io.BytesIO()
    words = _as_array({"second_names": second.names, "second_model": second.model})
    np.savez(file, words=words, **_arrays_of_meaning(second))
    return file.getvalue()


def unpack_second(data: bytes, intents: Container[str]) -> Meaning | None:
    """Raises one of FAULTS."""
    import numpy as np

    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        held = {name: file[name] for name in file.files}
    return _second(held, json.loads(held["words"].tobytes()), intents)


def _as_array(value: Any) -> Any:
    import numpy as np

    return np.frombuffer(json.dumps(value).encode(), np.uint8)


def unpack(
    data: bytes, intents: Container[str], examples: Sequence[training.Example], facts: Sequence[knowledge.Fact]
) -> Learnt:
    """Raises one of FAULTS. What it learnt of other intents and facts than these is left out, so that an earlier
    model answers for as long as the next one is being trained."""
    import numpy as np

    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        held = {name: file[name] for name in file.files if name != TAUGHT}
    words = json.loads(held["words"].tobytes())
    learnt_features = features.Features(held["columns"], held["rarity"])
    names = tuple(name if name in intents else training.NONE for name in words["names"])
    taught = features.Table(held["rows"], held["rows_places"], held["rows_starts"])
    scorer = training.Scorer(names, held["weights"], held["bias"], taught, held["starts"])
    calibration = training.Calibration(held["calibration"][:-1], float(held["calibration"][-1]))
    exact = {text: intent for text, intent in training.unambiguous(examples).items() if intent in names}
    documents = features.Table(held["facts"], held["facts_places"], held["facts_starts"])
    known = _known(words["facts"], held["owners"], documents, facts)
    return Learnt(
        training.Classifier(learnt_features, scorer, calibration, exact), known, _second(held, words, intents)
    )


def _second(held: dict[str, Any], words: dict[str, Any], intents: Container[str]) -> Meaning | None:
    if "second_model" not in words:
        return None
    names = tuple(name if name in intents else training.NONE for name in words["second_names"])
    calibration = held["second_calibration"]
    return Meaning(
        words["second_model"],
        names,
        held["second_centre"],
        held["second_weights"].astype("float32"),
        held["second_bias"],
        training.Calibration(calibration[:-1], float(calibration[-1])),
    )


def _known(
    ids: list[str], owners: Any, documents: features.Table, facts: Sequence[knowledge.Fact]
) -> knowledge.Knowledge:
    place = {fact.id: position for position, fact in enumerate(facts)}
    there = [document for document, owner in enumerate(owners) if ids[owner] in place]
    if not there:
        return knowledge.Knowledge(tuple(facts))
    if len(there) < len(owners):
        width = len(documents)
        documents = documents.turned(len(owners)).picked(there).turned(width)
    return knowledge.Knowledge(tuple(facts), documents, tuple(place[ids[owners[document]]] for document in there))


def _arrays(learnt: Learnt) -> dict[str, Any]:
    return _arrays_of_letters(learnt) | (_arrays_of_meaning(learnt.second) if learnt.second else {})


def _arrays_of_meaning(second: Meaning) -> dict[str, Any]:
    """Half as many digits: what is added up are thousands of products, and none of them counts for much."""
    import numpy as np

    return {
        "second_centre": second.centre,
        "second_weights": second.weights.astype(np.float16),
        "second_bias": second.bias,
        "second_calibration": np.append(second.calibration.weights, second.calibration.bias),
    }


def _arrays_of_letters(learnt: Learnt) -> dict[str, Any]:
    import numpy as np

    classifier, scorer = learnt.classifier, learnt.classifier.scorer
    documents = learnt.knowledge.columns or features.table_of([]).turned(len(classifier.features.rarity))
    return {
        "columns": classifier.features.columns,
        "rarity": classifier.features.rarity,
        "weights": scorer.weights,
        "bias": scorer.bias,
        "starts": scorer.starts,
        "rows": scorer.examples.weights,
        "rows_places": scorer.examples.places,
        "rows_starts": scorer.examples.starts,
        "calibration": np.append(classifier.calibration.weights, classifier.calibration.bias),
        "facts": documents.weights,
        "facts_places": documents.places,
        "facts_starts": documents.starts,
        "owners": np.array(learnt.knowledge.owners, np.int32),
    }
