"""The second look: by meaning. Without a network: vectors are made up here."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.features import features_for
from assistant.intents import stages
from assistant.intents.learning import lines, meaning, training
from assistant.intents.learning.meaning import Lesson, called_by
from assistant.intents.learning.training import NONE, Example

TOPICS = {"tea": ("assam", "sencha", "oolong"), "fish": ("trout", "perch", "cod"), "": ("granite", "basalt", "slate")}
PLACE = {word: place for place, words in enumerate(TOPICS.values()) for word in words}


class Dictionary:
    """An encoder that knows what each word is about."""

    model, width = "dictionary", 4

    def __init__(self) -> None:
        self.asked: list[str] = []

    def vectors(self, texts):
        self.asked += texts
        about = [
            [float(sum(PLACE.get(word) == place for word in text.split())) for place in range(3)] for text in texts
        ]
        found = np.array([[*row, 0.2] for row in about], np.float32).reshape(-1, 4)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def taught() -> list[Example]:
    words = ("bring me {}", "any {} today", "{} please", "the {} was good", "is there {}", "{}", "more {} now")
    return [
        Example(text.format(names[at % 2]), intent)  # the third name of each topic is in no example
        for intent, names in TOPICS.items()
        for at, text in enumerate(words * 2)
    ]


@pytest.fixture(scope="module")
def known():
    encoder = Dictionary()
    recogniser, threshold = stages.learn(taught(), {"tea": ("tea",), "fish": ("fish",)}, encoder)
    return recogniser, threshold, encoder


@pytest.mark.parametrize(("text", "intent"), [("we want oolong", "tea"), ("a cod for two", "fish")])
def test_a_word_in_no_example_is_recognised_by_what_it_means(known, text, intent) -> None:
    recogniser, _, encoder = known
    (found,) = recogniser.classify_many([text], encoder)
    assert found.intent == intent
    assert found.confidence > 0.5


def test_what_was_not_taught_gets_no_answer(known) -> None:
    recogniser, threshold, encoder = known
    found = recogniser.classify_many(["slate", "who was the first on the moon", ""], encoder)
    assert [one.confidence < threshold for one in found] == [True, True, True]
    assert all(NONE not in dict(one.scores) for one in found)


def test_what_letters_settle_is_not_embedded(known) -> None:
    recogniser, _, encoder = known
    encoder.asked.clear()
    found = recogniser.classify_many(["Any ASSAM today?", "we want oolong", "trout please"], encoder)
    assert [one.intent for one in found] == ["tea", "tea", "fish"]
    assert encoder.asked == ["we want oolong"]


def test_a_text_costs_the_same_however_many_examples_there_are(known) -> None:
    recogniser, _, encoder = known
    more, _ = stages.learn([*taught(), Example("trout or perch", "fish")], {}, encoder)
    assert more.second.weights.shape == recogniser.second.weights.shape == (4 + meaning.FOLDED, 3)


def test_learning_twice_gives_the_same(known) -> None:
    recogniser, threshold, encoder = known
    again, same = stages.learn(taught(), {"tea": ("tea",), "fish": ("fish",)}, encoder)
    assert np.array_equal(again.second.weights, recogniser.second.weights)
    assert same == threshold


def test_progress_is_told_and_ends_at_one() -> None:
    examples, encoder, told = taught(), Dictionary(), []
    texts = [example.text for example in examples]
    features = features_for(texts)
    lesson = Lesson(examples, encoder.vectors(texts), [features.row(text) for text in texts])
    meaning.train(lesson, lesson.part([]), features, encoder.model, told.append)
    assert told == sorted(told)
    assert len(told) == training.FOLDS + 1
    assert told[-1] == 1.0


@pytest.mark.parametrize(("better", "share"), [(0, 1.0), (2, 1.0), (40, 0.0)], ids=["as_good", "by_luck", "clearly"])
def test_lines_by_edges_count_where_they_are_clearly_right_more_often(better, share) -> None:
    """Of 100 examples lines by edges get so many more right, beside 4 that each of the two gets right alone."""
    labels = np.zeros(100, int)
    chances, edges = (np.tile(np.float32([1, 0]), (100, 1)) for _ in range(2))
    edges[:4] = chances[4 : 8 + better] = [-9, 0]  # so wrong that what is mixed with it is
    assert meaning._share([edges, chances], labels) == share


def test_likenesses_stay_when_columns_are_folded() -> None:
    texts = ["where is my order", "where is my parcel", "a cup of tea", ""]
    features = features_for(texts)
    rows = [features.row(text) for text in texts]
    table = features.table(texts)
    folded = meaning.folded(features, rows)
    for at, row in enumerate(rows):
        exact = table.likeness(row, len(features.rarity), [(0, len(texts))])
        assert folded[at] @ folded.T == pytest.approx(exact, abs=0.1)


def test_intents_are_called_by_their_words() -> None:
    named = {"card_arrival": ("card_arrival", "Card arrival", "card_arrival"), "x": ("", "_")}
    assert called_by(named) == [Example("card arrival", "card_arrival"), Example("Card arrival", "card_arrival")]


def test_lines_part_what_can_be_parted() -> None:
    rows = np.eye(3, dtype=np.float32).repeat(4, axis=0)
    labels = np.arange(3).repeat(4)
    both = lines.fit(rows, labels, np.ones(12), 3)
    for share in (0.0, 0.5, 1.0):
        weights, bias = lines.mixed(both, share)
        assert (rows @ weights + bias).argmax(axis=1).tolist() == labels.tolist()


@pytest.mark.parametrize("count", [8, 40], ids=["fewer_rows_than_columns", "more"])
def test_lines_are_the_same_in_fewer_directions(count, monkeypatch) -> None:
    rows = np.random.default_rng(1).normal(size=(count, 20)).astype(np.float32)
    labels, asked = np.arange(count) % 4, np.random.default_rng(2).normal(size=(5, 20)).astype(np.float32)
    narrow = lines.fit(rows, labels, np.ones(count), 4)
    assert lines._narrowed(rows)[0].shape == (count, min(count, 20))
    monkeypatch.setattr(lines, "_narrowed", lambda given: (given, lambda table: table))
    for (table, bias), (other, its) in zip(narrow, lines.fit(rows, labels, np.ones(count), 4), strict=True):
        assert table.shape == (20, 4)
        assert asked @ table + bias == pytest.approx(asked @ other + its, abs=0.1)


def test_many_rows_are_not_followed_more_closely_than_some() -> None:
    """Where the slack grew with their number, what one wrong example says would count ever more (AI-4)."""
    rows, labels = np.random.default_rng(1).normal(size=(40, 20)).astype(np.float32), np.arange(40) % 4

    def norm(times: int) -> float:
        each = rows.repeat(times, axis=0), labels.repeat(times), np.ones(40 * times)
        return float(np.linalg.norm(lines.chances(*each, 4)[0]))

    assert norm(80) == pytest.approx(norm(40), rel=0.02)
    assert norm(20) > 1.02 * norm(1)
