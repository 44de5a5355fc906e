"""Texts as the vectors that are stored: the sentence part of the multilingual encoder, 512 numbers.

Owns the name under which they are kept: vectors of another name are never compared with them. Must not touch the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from assistant.embeddings.encoders import encoder, vectors_asked
from assistant.embeddings.multilingual import SENTENCE, unit

MODEL = "use-multilingual-v3-r2/512"  # a change of what `encoded` does is another name
WIDTH = SENTENCE


def available() -> bool:
    """Whether this service turns texts into vectors at all."""
    return bool(settings.ENV["ASSISTANT_MEANING"])


def encoded(texts: Sequence[str]) -> Any:
    """A row of WIDTH numbers for each text, of length 1, from its first 500 characters. Loads the encoder into the
    process (85 MB): not for processes that answer REST alone."""
    found = vectors_asked(encoder(), texts) if len(texts) == 1 else encoder().vectors(texts)
    return unit(found[:, :SENTENCE] + found[:, SENTENCE : 2 * SENTENCE])


def packed(numbers: Any) -> bytes:
    """Half as many digits: 1 KB a vector."""
    return bytes(numbers.astype("float16").tobytes())


def unpacked(kept: Sequence[bytes]) -> Any:
    """Rows of what `packed` gave."""
    import numpy as np

    return np.frombuffer(b"".join(map(bytes, kept)), np.float16).reshape(-1, WIDTH).astype(np.float32)


def signs(numbers: Any) -> bytes:
    """A bit for each number: 64 bytes a vector, by which the nearest are looked for first."""
    import numpy as np

    return np.packbits(numbers > 0).tobytes()
