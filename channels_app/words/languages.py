"""The language of a text, by the model of py3langid, kept in a twelfth of the memory that it takes of itself.

Owns how the model is kept and read: as arrays, mapped from the files that ``python -m channels_app.words.languages``
has made (the image's build calls it), so that all processes of a machine share them; else made anew. Either comes with
the first text. Must not decide when a guess counts (text.py).

The library walks an automaton byte by byte, whose table has 10 million entries. Its states are the 104,583 beginnings of
the byte sequences that the model knows, six bytes at most: after each byte the longest of them that ends there counts.
So it is enough to look for all sequences of one to six bytes at once in a sorted list.
"""

from __future__ import annotations

import copy
import lzma
from collections import Counter
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp
from threading import Lock
from typing import Any

FOLDER = Path(__file__).parent / f"language-model-{version('py3langid')}"
ARRAYS = ("sequences", "features", "weights", "bias", "labels")
LONGEST = 6  # bytes of a sequence
NO_FEATURE = -1  # of a sequence that is only the beginning of others

_loading = Lock()


def likeliest(text: str, among: frozenset[str]) -> tuple[str, float]:
    """The language (ISO 639) and how sure that is, 0 to 1. ``among`` limits the guess where the model knows two of them.
    The first call takes about 0.1 s where the files were made, else 0.7 s."""
    language, confidence = _identifier(among).classify(text)
    return str(language), float(confidence)


@lru_cache(maxsize=64)
def _identifier(languages: frozenset[str]) -> Any:
    """The model, limited to ``languages`` that it knows. A copy each, as the limit is its state."""
    with _loading:  # once, however many threads have a first text
        model = _model()
    known = languages & set(model.labels)
    if len(known) < 2:
        return model
    limited = copy.copy(model)
    limited.set_languages(sorted(known))
    return limited


@cache
def _model() -> Any:
    import numpy as np
    from py3langid.langid import LanguageIdentifier

    try:
        arrays = {name: np.load(FOLDER / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
    except OSError:
        arrays = _made()
    sequences, features = np.asarray(arrays["sequences"]), np.asarray(arrays["features"])
    weights, bias, labels = np.asarray(arrays["weights"]), np.asarray(arrays["bias"]), arrays["labels"].tolist()
    lengths = np.arange(1, LONGEST + 1, dtype=np.uint64)[:, None]
    masks, tags = (np.uint64(1) << (lengths * np.uint64(8))) - np.uint64(1), lengths << np.uint64(56)

    class Identifier(LanguageIdentifier):  # type: ignore[misc]
        def _raw_score(self, text: bytes) -> Any:
            # Of each place the eight bytes that end there. No sequence has a byte of 0: none begins before the text.
            ending = np.ndarray((len(text),), ">u8", bytes(7) + text, strides=(1,)).astype(np.uint64)
            wanted = (ending & masks) | tags
            at = np.minimum(np.searchsorted(sequences, wanted), len(sequences) - 1)
            longest = np.where(sequences[at] == wanted, at, -1).max(axis=0)  # longer ones stand behind shorter ones
            seen = Counter(features[longest[longest >= 0]].tolist())
            seen.pop(NO_FEATURE, None)
            if not seen:
                return np.zeros(len(self.nb_classes), np.float32)
            places = np.fromiter(seen, np.intp, len(seen))
            often = np.fromiter(seen.values(), np.float32, len(seen))
            return np.log1p(often) @ self.nb_ptc[places] + self.nb_pc

    return Identifier(weights, bias, labels, None, None, norm_probs=True, tk_row=())


def _made() -> dict[str, Any]:
    """The arrays, from the library's file."""
    import numpy as np
    from py3langid.langid import MODEL_DIR, MODEL_FILE

    with TemporaryFile() as whole, lzma.open(MODEL_DIR / MODEL_FILE) as packed:
        while part := packed.read(1 << 20):
            whole.write(part)
        whole.seek(0)
        with np.load(whole, allow_pickle=False) as model:
            states, sequences = _sequences(model["nextmove"].reshape(-1, 256), model["nextmove_row"])
            features = model["out_feat"][states]
            return {"sequences": sequences, "features": features, "weights": model["ptc"], "bias": model["pc"],
                    "labels": model["classes"]}  # fmt: skip


def _sequences(rows: Any, row_of: Any) -> tuple[Any, Any]:
    """Every state but the first, and the bytes that lead to it: in the highest byte how many, in the lower ones which;
    ascending. Those that are as many moves away from the first state are as long."""
    import numpy as np

    states, sequences = [], []
    seen = np.zeros(len(row_of), bool)
    seen[0] = True
    reached, leading = np.zeros(1, np.intp), np.zeros(1, np.uint64)
    for length in range(1, LONGEST + 1):
        moves = rows[row_of[reached]]
        place, letter = np.nonzero(~seen[moves])
        reached = moves[place, letter]
        leading = (leading[place] << np.uint64(8)) | letter.astype(np.uint64)
        seen[reached] = True
        states.append(reached)
        sequences.append(leading | np.uint64(length << 56))
    order = np.argsort(np.concatenate(sequences))
    return np.concatenate(states)[order], np.concatenate(sequences)[order]


def write() -> None:
    """Make the files, unless they are there."""
    import numpy as np

    if not FOLDER.exists():
        begun = Path(mkdtemp(dir=FOLDER.parent))
        for name, array in _made().items():
            np.save(begun / f"{name}.npy", array)
        begun.chmod(0o755)
        begun.rename(FOLDER)


if __name__ == "__main__":
    write()
