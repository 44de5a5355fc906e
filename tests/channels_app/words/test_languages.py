"""The model of languages, kept small: it says what the library says, whichever way it is loaded."""

from __future__ import annotations

import copy
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from channels_app.words import languages

WRITTEN = (
    "Where is my order? I have been waiting for two weeks.", "Wo ist meine Bestellung? Ich warte seit zwei Wochen.",
    "¿Dónde está mi pedido? Llevo dos semanas esperando.", "Où est ma commande ? J'attends depuis deux semaines.",
    "Где мой заказ? Я жду уже две недели.", "Gdje je moja narudžba? Čekam već dvije nedelje.", "私の注文はどこですか。",
    "我的订单在哪里？我已经等了两个星期。", "أين طلبي؟ أنا أنتظر منذ أسبوعين.", "मेरा ऑर्डर कहाँ है?", "WHERE IS MY ORDER",
    "Siparişim nerede? İki haftadır bekliyorum.", "e\u0301te\u0301", "", " ", "x", "12 345 🙂", "\x00\x01", "\ud800 lone",
)  # fmt: skip
SCRIPTS = ((0x20, 0x7F), (0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x600, 0x6FF), (0x900, 0x97F), (0x3040, 0x30FF),
           (0x4E00, 0x5000), (0xAC00, 0xAD00), (0, 0xD7FF))  # fmt: skip


def texts() -> list[str]:
    """Some that people write, and random letters of every script: each sequence the model knows has its chance."""
    chance = random.Random(7)
    return [*WRITTEN, *("".join(chr(chance.randint(*chance.choice(SCRIPTS))) for _ in range(chance.randint(1, 150)))
                        for _ in range(600))]  # fmt: skip


@pytest.fixture(scope="module")
def library() -> Any:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@pytest.fixture(autouse=True)
def loaded_anew() -> Iterator[None]:
    languages._model.cache_clear()
    languages._places.cache_clear()
    yield
    languages._model.cache_clear()
    languages._places.cache_clear()


def says(library: Any, among: frozenset[str]) -> list[tuple[str, float]]:
    limited = copy.copy(library)
    limited.set_languages(sorted(among) or None)
    return [limited.classify(text) for text in texts()]


@pytest.mark.parametrize(
    "among", [frozenset(), frozenset({"en", "de"}), frozenset({"sr", "hr", "ru", "uk"})], ids=sorted
)
def test_it_says_what_the_library_says(library: Any, among: frozenset[str]) -> None:
    expected = says(library, among)
    found = [languages.likeliest(text, among) for text in texts()]
    assert [guess.language for guess in found] == [language for language, _ in expected]
    assert [guess.confidence for guess in found] == pytest.approx([sure for _, sure in expected], abs=1e-4)


def test_from_files_it_is_the_same_and_shared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(languages, "FOLDER", tmp_path / "none")
    made = [languages.likeliest(text, frozenset()) for text in texts()]
    monkeypatch.setattr(languages, "FOLDER", tmp_path / "model")
    languages.write()
    languages.write()  # what is there stays
    languages._model.cache_clear()
    languages._places.cache_clear()
    assert [languages.likeliest(text, frozenset()) for text in texts()] == made
    base = languages._model()._full_model[0]
    assert isinstance(base.base, np.memmap), "pages of a file, which processes share"


def test_what_was_half_written_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(languages, "FOLDER", tmp_path / "model")
    monkeypatch.setattr(np, "save", Mock(side_effect=OSError("full")))
    with pytest.raises(OSError, match="full"):
        languages.write()
    assert not (tmp_path / "model").exists()
    assert languages.likeliest("Where is my order?", frozenset()) == ("en", pytest.approx(1.0, abs=0.3), False)


def test_threads_that_begin_at_once_load_it_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(languages, "FOLDER", tmp_path / "none")
    made = Mock(side_effect=languages._made)
    monkeypatch.setattr(languages, "_made", made)
    together = threading.Barrier(4)

    def one(_: int) -> tuple[str, float]:
        together.wait(10)
        return languages.likeliest("Where is my order?", frozenset())

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(one, range(4)))) == 1
    made.assert_called_once_with()
