"""manage.py evaluate_intents: what it reads, what it draws, what it says."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from assistant.intents.files import drawn, examples_in
from assistant.intents.learning.training import NONE, Example

TAUGHT = {
    "return_item": ["i want to send it back", "how do i return this", "can i give these shoes back", "return my order"],
    "track_order": ["where is my parcel", "when will it arrive", "track my order", "has my package been shipped"],
    "card_lost": ["i lost my card", "my card was stolen", "someone took my card", "block my card please"],
}
ASKED = {
    "return_item": ["Ich möchte die Schuhe zurückgeben", "returning these shoes"],
    "track_order": ["¿Cuándo llega mi paquete?", "wheres my pakage"],
    "card_lost": ["on m'a volé ma carte", "lost card"],
}
STRANGE = ["who won the world cup in 1974", "tell me a joke about penguins", "what is the square root of nine"]


def pairs(of: dict[str, list[str]]) -> list[list[str]]:
    return [[text, name] for name, texts in of.items() for text in texts]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The same examples as CSV to learn from and as JSON to be asked."""
    train, test = tmp_path / "train.csv", tmp_path / "test.json"
    with train.open("w", newline="") as file:
        csv.writer(file).writerows([["text", "category"], *pairs(TAUGHT)])
    test.write_text(json.dumps({"test": pairs(ASKED), "oos_test": [[text, "oos"] for text in STRANGE]}))
    return train, test


def told(*arguments: object) -> dict:
    out = StringIO()
    call_command("evaluate_intents", *map(str, arguments), "--json", stdout=out)
    return json.loads(out.getvalue())


def test_it_measures_what_was_not_taught(files) -> None:
    found = told("--train", files[0], "--test", files[1])
    assert (found["examples"], found["intents"], found["tested"]) == (12, 3, 6)
    assert found["accuracy"] == 1.0  # other languages and typing errors included
    assert found["unknown_recall"] == 1.0
    assert 0 < found["in_scope_right"] <= found["accuracy"]
    assert found["us_per_text"] > 0
    assert found["train_s"] > 0
    assert found["confusion"] == []
    assert 0 < found["us_settled"] < found["us_embedded"]
    assert found["settled_right"] == 1.0
    assert {"threshold", "settled", "model"} <= found.keys()


def test_it_tells_people_too_and_what_was_mixed_up(tmp_path, files) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("text,category\ni lost my card,return_item\n")
    out = StringIO()
    call_command("evaluate_intents", train=files[0], test=wrong, stdout=out)
    assert "accuracy         0.0" in out.getvalue()
    assert "unknown_recall   None" in out.getvalue()
    assert "return_item: 0 of 1 right; taken for card_lost 1" in out.getvalue()


def test_the_same_seed_draws_the_same_examples() -> None:
    examples = [Example(f"{name} {number}", name) for name in "ab" for number in range(50)]
    one, again, other = (drawn(examples, 5, seed) for seed in (1, 1, 2))
    assert one == again != other
    assert [example.intent for example in one] == ["a"] * 5 + ["b"] * 5
    assert len(drawn(examples, 80, 1)) == 100


def test_what_lists_of_a_file_are_read(tmp_path) -> None:
    held = {part: [[part, "known"]] for part in ("train", "val", "test")}
    held |= {f"oos_{part}": [[f"oos {part}", "oos"]] for part in ("train", "val", "test")}
    file = tmp_path / "all.json"
    file.write_text(json.dumps(held))
    for part in ("train", "test"):
        found = examples_in(file, part)
        assert found.known == (Example(part, "known"),)
        assert found.unknown == (Example(f"oos {part}", NONE),)
    file.write_text(json.dumps({name: held[name] for name in ("val", "oos_val")}))
    assert examples_in(file, "test").unknown == (Example("oos val", NONE),)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.json", "{"), ("a.json", "[]"), ("a.json", '{"train": [["one"]]}'), ("a.csv", "a,b\n1,2\n"),
     ("a.csv", "text,category\n"), ("b.csv", None), ("a.csv", "text,category\nonly a text\n"), ("a.json", "[" * 5000),
     ("a.csv", f"text,category\n{'x' * 200_000},a\n"), ("a.json", '{"train": [[1, null]]}'), ("a.json", '"train"')],
)  # fmt: skip
def test_a_file_of_another_form_is_refused_with_its_name(tmp_path, name, text) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(CommandError, match=name):
        call_command("evaluate_intents", train=tmp_path / name, test=tmp_path / name)


def test_shots_are_no_negative_number(files) -> None:
    with pytest.raises(CommandError, match="--shots"):
        call_command("evaluate_intents", train=files[0], test=files[1], shots=-1)


@pytest.mark.parametrize(
    ("options", "code"),
    [({"train": Path("missing.csv")}, "file_invalid"), ({"shots": -1}, "invalid_argument")],
    ids=["no file", "no number"],
)
def test_a_script_reads_why_it_was_refused(files, options: dict, code: str) -> None:
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("evaluate_intents", **{"train": files[0], "test": files[1], "json": True, "stdout": out} | options)
    assert json.loads(out.getvalue())["error"]["code"] == code
