"""Documents are read in the encoding that they declare, or refused; never as other letters (AI-7)."""

from __future__ import annotations

import pytest

from assistant.knowledge.charsets import NoText, Told, text_of
from assistant.knowledge.documents import articles_of
from tenants.errors import Unprocessable

WORDS = "Rückgabe: “60 Tage” – für 39 €, à Orléans, São João"


def page(head: str, said: str = WORDS) -> str:
    return f"<!doctype html><html>{head}<body><h1>T</h1><p>{said}</p></body></html>"


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="windows-1252">', "cp1252"),
        ("<meta charset=ISO-8859-1>", "cp1252"),  # the label's meaning on the web: with the quotes of Windows
        ('<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">', "cp1252"),
        ('<meta charset="utf-16">', "utf-8"),
        ("<meta charset=utf-8>", "utf-8"),
        ("", "utf-8"),
        ("", "utf-8-sig"),
        ("", "utf-16"),
        ("", "cp1252"),
    ],
)
def test_a_page_is_read_as_it_declares(head: str, encoding: str) -> None:
    [article] = articles_of("p.html", page(head).encode(encoding))
    assert article.answer == WORDS


def test_xml_declares_its_encoding_and_cyrillic_asian_and_greek_pages_theirs() -> None:
    xml = '<?xml version="1.0" encoding="windows-1251"?>' + page("", "Доставка в Москву")
    assert articles_of("p.htm", xml.encode("cp1251"))[0].answer == "Доставка в Москву"
    for label, encoding, said in (
        ("koi8-r", "koi8-r", "Возврат"), ("shift_jis", "cp932", "返品①"), ("gb2312", "gb18030", "退货"),
        ("big5", "big5", "退貨"), ("euc-kr", "cp949", "반품"), ("windows-1253", "cp1253", "Επιστροφή"),
    ):  # fmt: skip
        [article] = articles_of("p.html", page(f'<meta charset="{label}">', said).encode(encoding))
        assert article.answer == said, label


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("name", ["a.md", "a.txt"])
def test_texts_with_a_mark_or_as_windows_writes_them(name: str, encoding: str) -> None:
    assert articles_of(name, WORDS.encode(encoding))[0].answer == WORDS


@pytest.mark.parametrize(
    ("between", "encoding"), [(";", "cp1252"), ("\t", "utf-16"), (",", "utf-8-sig"), (";", "utf-8")]
)
@pytest.mark.parametrize("first", ["", "sep={}\r\n"])
def test_a_table_as_a_spreadsheet_saves_it(between: str, encoding: str, first: str) -> None:
    rows = [("title", "answer", "language"), ("Rückgabe", '"60 Tage; frei, ab 39 €"', "de")]
    text = first.format(between) + "".join(f"{between.join(row)}\r\n" for row in rows)
    [article] = articles_of("faq.csv", text.encode(encoding))
    assert (article.title, article.answer, article.language) == ("Rückgabe", "60 Tage; frei, ab 39 €", "de")


@pytest.mark.parametrize(
    ("language", "encoding", "said"),
    [
        ("pl", "cp1250", "Zażółć gęślą jaźń"), ("cs", "cp1250", "Příliš žluťoučký kůň"), ("ru", "cp1251", "Возврат"),
        ("tr", "cp1254", "İade şartları ğ"), ("el", "cp1253", "Επιστροφή"), ("ja", "cp932", "返品"), ("is", "cp1252", "Það er"),
        ("pt", "cp1252", "Devolução não é grátis"),
    ],
)  # fmt: skip
def test_what_declares_nothing_is_read_in_the_language_that_it_is_told_to_be_in(
    language: str, encoding: str, said: str
) -> None:
    assert text_of(said.encode(encoding), Told(language=language)) == said
    html = page("", said).replace("<html>", f'<html lang="{language}-XX">')
    assert articles_of("p.html", html.encode(encoding))[0].answer == said


@pytest.mark.parametrize(
    "data",
    [
        "Zażółć gęślą jaźń, proszę".encode("cp1250"),
        "Příliš žluťoučký kůň".encode("cp1250"),
        "İade şartları değişti".encode("cp1254"),
        "Возврат в течение недели".encode("cp1251"),
        "返品について".encode("cp932"),
        bytes(range(128, 256)) * 4,
        b"GIF89a\x80\x81\x01\x02\xff",
        "Rückgabe".encode("utf-16-le"),  # without its mark
        "ab".encode("utf-32"),
    ],
)
def test_what_could_be_anything_is_refused_and_never_read_as_other_letters(data: bytes) -> None:
    with pytest.raises(NoText):
        text_of(data, Told())
    with pytest.raises(Unprocessable) as refused:
        articles_of("a.txt", data)
    assert refused.value.code == "document_broken"


@pytest.mark.parametrize("label", ["punycode", "zlib", "unicode_escape", "idna", "no-such", "utf-7"])
def test_no_other_codec_is_tried(label: str) -> None:
    with pytest.raises(NoText):
        text_of(b"abc", Told(charset=label))
    with pytest.raises(NoText):
        text_of(f"<meta charset={label}>abc".encode(), Told(page=True))


def test_what_the_server_says_comes_before_what_the_page_says_and_a_mark_before_both() -> None:
    both = page("<meta charset=utf-8>")
    assert WORDS in text_of(both.encode("cp1252"), Told(charset="windows-1252", page=True))
    assert WORDS in text_of(both.encode("utf-16"), Told(charset="windows-1252", page=True))
    with pytest.raises(NoText):
        text_of(both.encode("cp1252"), Told(page=True))
