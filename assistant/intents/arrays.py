"""What was learnt, as bytes and back: NumPy's .npz, read without pickle.

Owns the format; a change of it changes `training.ALGORITHM`. Must not touch the database.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from assistant import knowledge
from assistant.intents import training

FAULTS = (ValueError, KeyError, OSError, EOFError, IndexError, zipfile.BadZipFile)  # of bytes that are no model


@dataclass(frozen=True)
class Learnt:
    """All that training makes, and all that it takes to answer."""

    classifier: training.Classifier
    knowledge: knowledge.Knowledge

    @property
    def size(self) -> int:
        """Bytes of its arrays in memory."""
        return sum(array.nbytes for array in _arrays(self).values())


def pack(learnt: Learnt) -> bytes:
    import numpy as np

    words = {"names": learnt.classifier.scorer.names, "facts": [fact.id for fact in learnt.knowledge.facts]}
    file = io.BytesIO()
    np.savez_compressed(file, words=np.frombuffer(json.dumps(words).encode(), np.uint8), **_arrays(learnt))
    return file.getvalue()


def unpack(
    data: bytes, intents: Container[str], examples: Sequence[training.Example], facts: Sequence[knowledge.Fact]
) -> Learnt:
    """Raises one of FAULTS. What it learnt of other intents and facts than these is left out, so that an earlier
    model answers for as long as the next one is being trained."""
    import numpy as np
    from scipy.sparse import csr_matrix

    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        held = {name: file[name] for name in file.files}
    words = json.loads(held["words"].tobytes())
    features = training.Features(held["columns"], held["rarity"])
    names = tuple(name if name in intents else training.NONE for name in words["names"])
    width = len(held["rarity"])
    rows = csr_matrix((held["rows"], held["rows_indices"], held["rows_indptr"]), (width, int(held["rows_width"])))
    scorer = training.Scorer(names, held["weights"], held["bias"], rows, held["starts"])
    calibration = training.Calibration(held["calibration"][:-1], float(held["calibration"][-1]))
    exact = {text: intent for text, intent in training.unambiguous(examples).items() if intent in names}
    documents = csr_matrix((held["facts"], held["facts_indices"], held["facts_indptr"]), (width, len(held["owners"])))
    known = _known(words["facts"], held["owners"], documents, facts)
    return Learnt(training.Classifier(features, scorer, calibration, exact), known)


def _known(ids: list[str], owners: Any, documents: Any, facts: Sequence[knowledge.Fact]) -> knowledge.Knowledge:
    place = {fact.id: position for position, fact in enumerate(facts)}
    there = [column for column, owner in enumerate(owners) if ids[owner] in place]
    if not there:
        return knowledge.Knowledge(tuple(facts))
    columns = documents if len(there) == len(owners) else documents[:, there]
    return knowledge.Knowledge(tuple(facts), columns, tuple(place[ids[owners[column]]] for column in there))


def _arrays(learnt: Learnt) -> dict[str, Any]:
    import numpy as np
    from scipy.sparse import csr_matrix

    features, scorer = learnt.classifier.features, learnt.classifier.scorer
    documents = learnt.knowledge.columns
    if documents is None:
        documents = csr_matrix((len(features.rarity), 0), dtype=np.float32)
    return {
        "columns": features.columns,
        "rarity": features.rarity,
        "weights": scorer.weights,
        "bias": scorer.bias,
        "starts": scorer.starts,
        "rows": scorer.rows.data,
        "rows_indices": scorer.rows.indices,
        "rows_indptr": scorer.rows.indptr,
        "rows_width": np.array(scorer.rows.shape[1]),
        "calibration": np.append(learnt.classifier.calibration.weights, learnt.classifier.calibration.bias),
        "facts": documents.data,
        "facts_indices": documents.indices,
        "facts_indptr": documents.indptr,
        "owners": np.array(learnt.knowledge.owners, np.int32),
    }
