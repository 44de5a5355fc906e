"""Where an article is cut: nothing is lost, nothing is too long, and the same text is always cut alike (AI-7)."""

from __future__ import annotations

import pytest

from assistant.knowledge.passages import MOST, PER_PASSAGE, as_said, passage_of, passages, texts_of

SECTION = "The period begins when you receive the goods. " * 5
ARTICLE = f"## Withdrawal\n{SECTION}\n\n## Costs\n{SECTION}\n\nAnd no more than that."


def test_a_heading_begins_a_new_passage() -> None:
    assert [one[:7] for one in passages(ARTICLE)] == ["## With", "## Cost"]
    assert passages("## A\nShort.\n\n## B\nShort too.") == ["## A\nShort.\n\n## B\nShort too."]


@pytest.mark.parametrize(
    "text",
    [ARTICLE, "word " * 900, "x" * 3000, "Ein Satz. " * 300, "一句话。" * 400, "a\n" * 1500, "- item\n" * 400],
    ids=["headings", "words", "one word", "sentences", "chinese", "lines", "list"],
)
def test_nothing_is_lost_and_nothing_is_too_long(text: str) -> None:
    found = passages(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert max(map(len, found)) <= MOST
    assert passages(text) == found


def test_an_empty_article_has_no_passage() -> None:
    assert passages(" \n\n ") == []


def test_it_is_found_by_passages_sentences_title_and_questions() -> None:
    found = texts_of("Returns", ["Can I send it back?"], "You have 30 days for that. Shoes have to be unworn, please.")
    assert list(found.values()) == [
        "Returns. You have 30 days for that. Shoes have to be unworn, please.",
        "Returns",
        "Can I send it back?",
        "You have 30 days for that.",
        "Shoes have to be unworn, please.",
    ]
    long = texts_of("Terms", [], ARTICLE)
    assert {passage_of(part) for part in long} == {0, 1}
    assert long[PER_PASSAGE].startswith("Terms. ## Costs")


def test_many_questions_stay_with_the_first_passage() -> None:
    found = texts_of("T", [f"question {number}" for number in range(100)], ARTICLE)
    assert len([part for part in found if passage_of(part) == 0]) == PER_PASSAGE


def test_marks_of_headings_are_not_said() -> None:
    assert as_said("## Costs\nWe bear them.\n# 1") == "Costs\nWe bear them.\n1"
    table = "| Tool | Fee |\n|:---|---:|\n| Saw | **2** euros |\n\nSee [the list](https://x.example/l) | a_b_c"
    assert as_said(table) == "Tool | Fee\nSaw | 2 euros\n\nSee the list (https://x.example/l) | a_b_c"
