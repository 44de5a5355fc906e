"""Features, classifier, knowledge index: the parts of recognition, without a database."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from assistant.builtin.wording import TITLE
from assistant.features import features_for
from assistant.intents.common import BACKGROUND, COMMON, SENTENCES
from assistant.intents.learning import training
from assistant.intents.learning.training import CANDIDATES, NONE, Classification, Example, folds, normal, train
from assistant.intents.skills import examples_of, skills_of
from assistant.knowledge import facts as knowledge


@pytest.fixture(scope="module")
def classifier():
    taught = {
        "tea": ["a cup of tea", "i would like tea", "tea please", "green tea"],
        "coffee": ["a cup of coffee", "i would like coffee", "coffee please", "strong coffee"],
    }
    examples = [Example(text, intent) for intent, texts in taught.items() for text in texts]
    examples += [Example(text, NONE) for text in BACKGROUND]
    return train(examples, features_for([example.text for example in examples]))


@pytest.mark.parametrize(
    ("text", "intent"),
    [("tea now", "tea"), ("COFFEE!", "coffee"), ("some cofee please", "coffee"), ("Green  Tea?", "tea")],
)
def test_classifies(classifier, text, intent):
    assert classifier.classify(text).intent == intent


def test_an_example_itself_is_certain(classifier):
    assert classifier.classify("A cup of TEA!").confidence == 1.0


def test_confidence_is_lower_for_what_is_farther_from_the_examples(classifier):
    near, far = (classifier.classify(text).confidence for text in ("some tea please", "the capital of Peru"))
    assert near > 0.5 > far


@pytest.mark.parametrize("text", ["", " ", "!!!", "🦊", "x" * 100_000, "日本語のテキスト", "\u0000"])
def test_any_text_gets_probabilities(classifier, text):
    scores = classifier.classify(text).scores
    assert [name for name, _ in scores].count(NONE) == 0
    assert all(0 <= score <= 1 for _, score in scores)
    assert [score for _, score in scores] == sorted((score for _, score in scores), reverse=True)


def test_a_batch_is_classified_in_order(classifier):
    assert [found.intent for found in classifier.classify_many(["tea please", "coffee please"])] == ["tea", "coffee"]


def test_intents_by_range_of_confidence():
    found = Classification((("a", 0.9), ("b", 0.5), ("c", 0.1)))
    assert found.between(0.4) == ["a", "b"]
    assert found.between(0.2, 0.6) == ["b"]


def test_training_twice_gives_the_same(shop):
    examples = examples_of(skills_of([]), [])
    texts = [example.text for example in examples]
    one, two = (train(examples, features_for(texts)).classify("i fancy a chat") for _ in range(2))
    assert one == two


def test_an_example_of_two_intents_is_not_certain():
    examples = [Example("same words", "a"), Example("same words", "b"), Example("quite other", "b")]
    examples += [Example(text, NONE) for text in BACKGROUND]
    found = train(examples, features_for([example.text for example in examples])).classify("same words")
    assert found.confidence < 1.0


def test_digits_are_alike():
    features = features_for(["order AC-10042"])
    table = features.table(["order AC-99999", "order AC-1"])
    same, shorter = table.likeness(features.row("order AC-10042"), len(features.rarity), [(0, 2)])
    assert same == pytest.approx(1.0)
    assert shorter < 1.0


def test_what_is_compared_with_few_intents_is_what_comparing_with_all_would_find(classifier, monkeypatch):
    texts = ["tea now", "some cofee please", "green", "the capital of Peru", "a strong cup", "", "teacoffee"]
    few = [classifier.classify(text) for text in texts]
    monkeypatch.setattr(training, "CANDIDATES", 1000)
    assert few == [classifier.classify(text) for text in texts]


def test_a_text_is_compared_with_the_examples_of_few_intents(monkeypatch):
    taught = [
        Example(f"{word} {kind}", word)
        for word in BACKGROUND[0].split() + "tea milk rice salt nut kiwi plum pear soup".split()
        for kind in ("please", "now", "today")
    ]
    found = train([*taught, *(Example(text, NONE) for text in BACKGROUND)], features_for([e.text for e in taught]))
    assert len(found.scorer.names) > CANDIDATES + 1
    assert len(found.classify("some salt please").scores) == CANDIDATES
    assert found.classify("some salt please").intent == "salt"


def test_a_text_is_compared_with_no_more_examples_when_there_are_more(monkeypatch):
    monkeypatch.setattr(training, "COMPARED", 4)
    texts = ["taxi at {}", "where is stop {}"]
    taught = [Example(text.format(chr(97 + at) * 3), text[:4]) for text in texts for at in range(9)]
    taught += [Example(text, NONE) for text in BACKGROUND[:9]]
    kept = train(taught, features_for([one.text for one in taught]))
    assert kept.scorer.starts.tolist() == [0, 4, 8, 12]  # NONE's among them
    assert len(kept.scorer.examples) == 12
    assert kept.classify("taxi at iii").scores[0] == ("taxi", 1.0)  # an example itself, compared or not
    assert kept.classify("where is the stop zzz").intent == "wher"


def test_the_parts_of_a_table_are_compared_each_by_itself():
    texts = ["green tea", "", "black coffee", "tea", "!", "green"]
    features = features_for(texts)
    table, row = features.table(texts), features.row("green tea")
    every = table.likeness(row, len(features.rarity), [(0, 6)])
    assert table.likeness(row, len(features.rarity), [(4, 6), (0, 2)]) == pytest.approx(
        [every[4], every[5], every[0], every[1]]
    )
    assert every == pytest.approx([table_dot(table, row, i) for i in range(6)])
    assert table.turned(len(features.rarity)).times(row, 6) == pytest.approx(every)
    assert table.picked([3, 0]).likeness(row, len(features.rarity), [(0, 2)]) == pytest.approx([every[3], every[0]])


def table_dot(table, row, i: int) -> float:
    """By hand, as a dictionary would."""
    there = slice(table.starts[i], table.starts[i + 1])
    known = dict(zip(row.places.tolist(), row.weights.tolist(), strict=True))
    pairs = zip(table.places[there].tolist(), table.weights[there].tolist(), strict=True)
    return sum(known.get(place, 0.0) * weight for place, weight in pairs)


def test_answering_needs_no_scikit_learn():
    """A process that answers from stored numbers is 100 MB smaller without it."""
    script = (
        "import sys; from assistant.features import features_for;"
        "features = features_for(['green tea', 'black coffee']);"
        "features.table(['tea']).likeness(features.row('Grün Tee, 12'), len(features.rarity), [(0, 1)]);"
        "print([name for name in sys.modules if name in ('sklearn', 'scipy')])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_folds_share_out_every_label():
    labels = ["a"] * 6 + ["b"] * 3
    parts = folds(labels)
    assert sorted(position for part in parts for position in part) == list(range(9))
    assert [sorted(labels[position] for position in part) for part in parts] == [["a", "a", "b"]] * 3


def test_three_thousand_examples_are_learnt_in_seconds():
    words = [word for text in BACKGROUND for word in text.split()]
    topics = [
        "tea",
        "coffee",
        "milk",
        "bread",
        "honey",
        "rice",
        "pasta",
        "salad",
        "soup",
        "cake",
        "fish",
        "beef",
        "lamb",
        "apple",
        "pear",
        "plum",
        "kiwi",
        "melon",
        "nut",
        "salt",
    ]
    examples = [Example(f"{topics[i % 20]} {words[i % 97]} {words[i * 7 % 89]}", topics[i % 20]) for i in range(3000)]
    examples += [Example(text, NONE) for text in BACKGROUND]
    started = time.process_time()
    classifier = train(examples, features_for([example.text for example in examples]))
    assert time.process_time() - started < 5  # a second on an idle machine
    assert classifier.classify("honey please").intent == "honey"


@pytest.mark.parametrize(("text", "expected"), [("  Hello,  World! ", "hello world"), ("¿Qué?", "qué"), ("...", "")])
def test_normal(text, expected):
    assert normal(text) == expected


# --------------------------------------------------------------------------------- knowledge

FACTS = [
    knowledge.Fact("1", "Parking", ("where can i park",), "Behind the house.", language="en"),
    knowledge.Fact("2", "Parken", ("wo kann ich parken",), "Hinter dem Haus.", language="de"),
    knowledge.Fact("3", "Breakfast", ("when is breakfast served",), "From seven to ten in the winter garden."),
]
TEXTS = [text for fact in FACTS for text, _ in fact.documents()]


def find(question: str, language: str = "") -> list[knowledge.Finding]:
    features = features_for(TEXTS)
    return knowledge.index(FACTS, features).search(features.row(question), language)


@pytest.mark.parametrize(
    ("question", "title"),
    [("can i park here", "Parking"), ("breakfast", "Breakfast"), ("the winter garden", "Breakfast")],
)
def test_finds_a_fact(question, title):
    assert find(question)[0].fact.title == title


def test_prefers_the_persons_language():
    both = [
        knowledge.Fact("a", "Taxi", (), "Nummer", language="de"),
        knowledge.Fact("b", "Taxi", (), "Number", language="en"),
    ]
    features = features_for(["Taxi"])
    found = knowledge.index(both, features).search(features.row("taxi"), "en")
    assert [finding.fact.id for finding in found] == ["b", "a"]


def test_the_best_few_are_those_of_all():
    """Also where the person's language lifts a fact above others whose letters are nearer."""
    questions = (
        "where can i park",
        "where can i park here",
        "can i park my car",
        "park",
        "where is the park",
        "a walk",
    )
    many = [
        knowledge.Fact(f"{number}{tongue}", text, (), "", language=tongue)
        for number, text in enumerate(questions)
        for tongue in ("de", "en", "")
    ]
    index = knowledge.index(many, features := features_for(questions))
    found = index.search(features.row("where can i park"), "en", len(many))
    assert [one.fact.id for one in found[2:4]] == ["1en", "0de"]
    for limit in range(1, len(many)):
        assert index.search(features.row("where can i park"), "en", limit) == found[:limit]


def test_no_facts_no_findings():
    features = features_for(TEXTS)
    assert knowledge.index([], features).search(features.row("park")) == []


# ------------------------------------------------------------------------------- common data


def test_every_language_has_every_sentence():
    assert {frozenset(sentences) for sentences in SENTENCES.values()} == {frozenset(SENTENCES["en"])}


def test_every_common_intent_speaks_every_language():
    assert {frozenset(languages) for languages in COMMON.values()} == {frozenset(SENTENCES)}


@pytest.mark.parametrize("key", ["human", "something_else", "read_more"])
def test_titles_of_options_fit(key):
    assert max(len(sentences[key]) for sentences in SENTENCES.values()) <= TITLE


def test_no_common_example_belongs_to_two_intents():
    homes: dict[str, set[str]] = {}
    for intent, languages in COMMON.items():
        for texts, _ in languages.values():
            for text in texts:
                homes.setdefault(normal(text), set()).add(intent)
    assert {text: intents for text, intents in homes.items() if len(intents) > 1} == {}


def test_intents_that_are_never_confused_are_learnt_as_well():
    texts = {"red": ["aaaa bbbb", "aaaa bbbb cc"], "blue": ["xxxx yyyy", "xxxx yyyy zz"]}
    taught = [Example(text, name) for name, own in texts.items() for text in own * 3]
    found = train(taught, features_for([one.text for one in taught])).classify("aaaa bbbb dd")
    (winner, confidence), (_, other) = found.scores
    assert winner == "red" and confidence > 0.99 and other < 0.1
