"""The language of a text, by the model of py3langid, kept in a twelfth of the memory that it takes of itself.

Owns how the model is kept and read: as arrays, mapped from the files that ``python -m channels_app.words.languages``
has made (the image's build calls it), so that all processes of a machine share them; else made anew. Either comes with
the first text. Must not decide when a guess counts (text.py).

The library walks an automaton byte by byte, whose table has 10 million entries. Its states are the 104,583 beginnings of
the byte sequences that the model knows, six bytes at most: after each byte the longest of them that ends there counts.
So it is enough to look for all sequences of one to six bytes at once in a sorted list.
"""

from __future__ import annotations

import lzma
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp
from threading import Lock
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / f"language-model-{version('py3langid')}"
ARRAYS = ("sequences", "features", "weights", "bias", "labels")
LONGEST = 6  # bytes of a sequence
NO_FEATURE = -1  # of a sequence that is only the beginning of others
#: of 1,207 texts of the demo's five languages none was as much likelier another; of 38 short ones in a dozen others, 29 were
ELSEWHERE = 20.0

_loading = Lock()


class Guess(NamedTuple):
    """``language``: ISO 639. ``confidence``: 0 to 1, among those that were asked about. ``elsewhere``: another language than
    these is ELSEWHERE times likelier."""

    language: str
    confidence: float
    elsewhere: bool = False


def likeliest(text: str, among: frozenset[str]) -> Guess:
    """``among`` limits the guess where the model knows two of them.
    The first call takes about 0.1 s where the files were made, else 0.7 s."""
    model, places = _loaded(), _places(among)
    if len({model.nb_classes[place] for place in places}) < 2:
        language, confidence = model.classify(text)
        return Guess(str(language), float(confidence))
    scores = model._decide(text)
    inside = scores[places]
    best = int(inside.argmax())
    sure = float(inside[best] / inside.sum()) if inside[best] else 0.0  # less than the smallest number there is
    return Guess(model.nb_classes[places[best]], sure, _is_elsewhere(scores, places))


def is_elsewhere(text: str, among: frozenset[str]) -> bool:
    """`Guess.elsewhere`, also of one language alone. False where the model knows none of ``among``."""
    model, places = _loaded(), _places(among)
    return bool(places) and _is_elsewhere(model._decide(text), places)


def _is_elsewhere(scores: Any, places: Sequence[int]) -> bool:
    return bool(scores.max() >= ELSEWHERE * scores[places].max())


@lru_cache(maxsize=64)
def _places(languages: frozenset[str]) -> list[int]:
    """Those of ``languages`` among the model's."""
    return [place for place, language in enumerate(_loaded().nb_classes) if language in languages]


def _loaded() -> Any:
    with _loading:  # once, however many threads have a first text
        return _model()


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
