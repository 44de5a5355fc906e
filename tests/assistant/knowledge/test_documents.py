"""Documents are read as articles, whole, or refused with their code (AI-7)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from assistant.knowledge import paper, papers
from assistant.knowledge.documents import MOST_BYTES, MOST_OF_PAPER, MOST_ROWS, Article, articles_of
from tenants.errors import PayloadTooLarge, ServiceError

PAGE = """<!doctype html><html lang="de-DE"><head><title>Shop | Rückgabe</title><style>p {}</style></head>
<body><nav>Start Kontakt</nav><main><h1>Rückgabe &amp; Umtausch</h1><p>Sie haben <b>60 Tage</b>&nbsp;Zeit.</p>
<h2>Kosten</h2><ul><li>Paket: frei</li><li>Möbel: 39&nbsp;€</li></ul><script>alert(1)</script>
</main><footer>Impressum</footer></body></html>"""


def read(name: str, text: str, **told: str) -> list[Article]:
    return articles_of(name, text.encode(), **told)


def test_markdown_with_front_matter_and_without() -> None:
    front = "---\ntitle: Returns\nlanguage: en\nurl: https://x.example/r\nquestions: how long? | is it free?\ntags: a\n---\n"
    assert read("r.md", f"{front}You have 60 days.\n\n## Costs\nNone.\n") == [
        Article(
            "Returns", "You have 60 days.\n\n## Costs\nNone.", ("how long?", "is it free?"), ("a",), "en", "https://x.example/r"
        )
    ]  # fmt: skip
    assert read("r.md", "# Returns\n\n60 days.", language="de") == [Article("Returns", "60 days.", language="de")]
    assert read("returns.txt", "60 days.\n") == [Article("returns", "60 days.")]


def test_a_page_without_what_is_around_it() -> None:
    assert read("p.html", PAGE, url="https://x.example/p") == [
        Article(
            "Rückgabe & Umtausch", "Sie haben 60 Tage Zeit.\n\n## Kosten\n\n- Paket: frei\n- Möbel: 39 €", (), (), "de",
            "https://x.example/p",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    "front",
    [
        'title: "Deposits: what you leave"\nlang: en-GB\nquestions:\n  - Do I pay one?\n  - "How much: is it?"\ntags: [a, b]\nauthor: {name: Ann}',
        "title: Deposits: what you leave\nlanguage: EN\nquestions: Do I pay one? | How much: is it?\ntags: a|b",
        "\n".join(["title: 'Deposits: what you leave'", "language: en_US", "questions:", "- Do I pay one?", "- 'How much: is it?'", "tags: [a, b]"]),
    ],
)  # fmt: skip
def test_front_matter_as_sites_are_written_with(front: str) -> None:
    """Of a list nothing but its first line was read, and "en-GB" refused."""
    expected = Article("Deposits: what you leave", "20 euros.", ("Do I pay one?", "How much: is it?"), ("a", "b"), "en")
    assert read("d.md", f"---\n{front}\n---\n20 euros.") == [expected]


def test_front_matter_that_grows_when_it_is_read_tells_nothing() -> None:
    grows = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))
    assert read("d.md", f"---\na0: &a0 [x]\n{grows}\ntitle: *a29\n---\n# T\n\nx") == [Article("T", "x")]
    assert read("d.md", f"---\na: {'[' * 5_000}\ntitle: T\n---\nx") == [Article("T", "x")]


@pytest.mark.parametrize(
    ("page", "body"),
    [
        ("<table><tr><th>Land<th>Kosten<tr><td>Schweiz<td>12 Euro</table>", "Land | Kosten\n\nSchweiz | 12 Euro"),
        ("<table><tr><td><p>A</p><p>b</p></td><td></td><td>c</td></tr></table>", "A b | | c"),
        ("<table><tr><td><h2>Laid out</h2><p>one</p><p>two</p></td></tr></table>", "## Laid out\n\none\n\ntwo"),
        ("<dl><dt>Express<dd>Tomorrow.</dl><details><summary>How?</summary>So.</details>", "Express\n\nTomorrow.\n\nHow?\n\nSo."),
        ("<ul><li><p>one</p></li><li>two</li></ul>", "- one\n\n- two"),
        ("<p>Start &gt; Help</p><main><header><h2>Fees</h2>In short</header><p>3 euros.</p></main>After", "## Fees\n\nIn short\n\n3 euros."),
        ("<header>Menu</header><main> </main><p>3 euros.</p><footer>Imprint</footer>", "3 euros."),
    ],
)  # fmt: skip
def test_what_stands_apart_on_a_page_stands_apart_in_its_text(page: str, body: str) -> None:
    """Of a table the cells ran into each other: "Schweiz12 Euro"."""
    assert [one.answer for one in read("p.html", page)] == [body]


def test_a_table() -> None:
    rows = 'title,answer,questions,language\nReturns,"60 days,\nfree",how long?|is it free?,en\nPayment,By card,,\n'
    assert read("faq.csv", "\ufeff" + rows) == [
        Article("Returns", "60 days,\nfree", ("how long?", "is it free?"), (), "en"),
        Article("Payment", "By card"),
    ]


def test_a_table_of_a_spreadsheet_in_german() -> None:
    rows = 'title;answer;language\r\nÖffnung;"9 bis 17 Uhr; montags zu.\r\nKaffee 5 € – gut";de-DE\r\n'
    assert articles_of("faq.csv", rows.encode("cp1252"), language="de") == [
        Article("Öffnung", "9 bis 17 Uhr; montags zu.\r\nKaffee 5 € – gut", language="de")
    ]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.exe", b"MZ", "format_unknown"),
        ("a", b"x", "format_unknown"),
        ("a.md", b"\xff\xfe\x00", "document_broken"),
        ("a.txt", b"a\x00b", "document_broken"),
        ("a.md", b"# Only a title\n", "document_empty"),
        ("a.html", b"<script>x</script>", "document_empty"),
        ("a.md", b"x" * (MOST_BYTES + 1), "document_too_large"),
        ("a.md", b"x" * 100_001, "article_invalid"),
        ("a.md", b"---\nlanguage: english\n---\nx", "article_invalid"),
        ("a.md", b"---\nurl: javascript:alert(1)\n---\nx", "article_invalid"),
        ("a.md", b"---\ntitle: " + b"t" * 201 + b"\n---\nx", "article_invalid"),
        ("a.csv", b"title,text\na,b\n", "document_broken"),
        ("a.csv", b"title,answer,evil\na,b,c\n", "document_broken"),
        ("a.csv", b"title,Title,answer\na,b,c\n", "document_broken"),
        ("a.csv", b"title,answer\na\n", "document_broken"),
        ("a.csv", b"title,answer\na,b,c\n", "document_broken"),
        ("a.csv", b'title,answer\n"a,b\n', "document_broken"),
        ("a.csv", b"title,answer\n,b\n", "article_invalid"),
        ("a.csv", b"title,answer\n", "document_empty"),
        ("a.csv", b"title,answer\n" + b"a,b\n" * (MOST_ROWS + 1), "document_too_large"),
        ("a.csv", b"", "document_broken"),
    ],
)
def test_what_is_no_article_is_refused(name: str, data: bytes, code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        articles_of(name, data)
    assert refused.value.code == code


# ------------------------------------------------------------------- PDF and DOCX, in a child of their own


def pdf(*pages: str, password: str = "") -> bytes:
    """Each line of a page as a PDF sets it; a page without words is a picture."""
    writer = PdfWriter()
    for said in pages:
        page = writer.add_blank_page(600, 800)
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F"): font})}
        )
        stream = DecodedStreamObject()
        stream.set_data(
            "".join(
                f"BT /F 10 Tf 50 {750 - 14 * place} Td ({line}) Tj ET\n" for place, line in enumerate(said.splitlines())
            ).encode()
        )
        page[NameObject("/Contents")] = writer._add_object(stream)
    if password:
        writer.encrypt(password, algorithm="AES-256")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def docx(body: str, more: bytes = b"", notes: str = "") -> bytes:
    kinds = "http://schemas.openxmlformats.org/package/2006/content-types"
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{kinds}"><Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        parts.writestr("word/document.xml", f'<w:document xmlns:w="{word}"><w:body>{body}</w:body></w:document>')
        parts.writestr("word/footnotes.xml", f'<w:footnotes xmlns:w="{word}">{notes}</w:footnotes>')
        parts.writestr("more.bin", more)
    return file.getvalue()


def paragraph(said: str, style: str = "") -> str:
    look = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{look}<w:r><w:t>{said}</w:t></w:r></w:p>"


def test_a_pdf_is_paragraphs_again() -> None:
    pages = [
        f"Handbook of the shop\nEvery tent has a warranty of five years from its pur-\nchase {number}. It covers seams, zips and poles, but neither\nburns nor moulds.\n- Keep the receipt\nPage {number}"
        for number in (1, 2, 3)
    ]
    [article] = articles_of("warranty.pdf", pdf(*pages), language="en", url="https://x.example/w.pdf")
    assert article.title == "warranty" and article.language == "en" and article.url == "https://x.example/w.pdf"
    assert article.answer == "\n\n".join(
        f"Every tent has a warranty of five years from its purchase {number}. It covers seams, zips and poles, but neither burns nor moulds.\n\n- Keep the receipt"
        for number in (1, 2, 3)
    )


def test_a_docx_has_its_headings() -> None:
    body = paragraph("Warranty &amp; repairs", "Heading1") + paragraph("Five years.") + paragraph("Costs", "Heading2")
    assert articles_of("w.docx", docx(body + paragraph("None."))) == [
        Article("Warranty & repairs", "Five years.\n\n## Costs\n\nNone.")
    ]


def test_a_docx_has_the_rows_of_its_tables_and_its_footnotes() -> None:
    cells = "".join(f"<w:tc>{paragraph(said)}</w:tc>" for said in ("Drill", "4 euros"))
    noted = paragraph("A fee").replace("</w:p>", '<w:r><w:footnoteReference w:id="{}"/></w:r></w:p>')
    notes = "".join(f'<w:footnote w:id="{n}">{paragraph(f"Note {n}.")}</w:footnote>' for n in (2, 3))
    body = f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>{noted.format(2)}{noted.format(3)}"
    assert [one.answer for one in articles_of("f.docx", docx(body, notes=notes))] == [
        "Drill | 4 euros\n\nA fee[1]\n\nA fee[2]\n\n[1] Note 2.\n\n[2] Note 3."
    ]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.pdf", lambda: pdf("words that nobody may read without it", password="x"), "document_locked"),  # noqa: S106
        ("a.pdf", lambda: pdf("", "", "only one page of three has words"), "document_scanned"),
        ("a.pdf", lambda: b"%PDF-1.7 nothing more", "document_broken"),
        ("a.docx", lambda: b"\xd0\xcf\x11\xe0" + bytes(600), "document_locked"),
        ("a.pdf", lambda: bytes(MOST_OF_PAPER + 1), "document_too_large"),
    ],
)  # fmt: skip
def test_a_paper_that_cannot_be_read_says_why(name: str, data: Callable[[], bytes], code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        articles_of(name, data())
    assert refused.value.code == code


def test_nothing_beyond_the_bounds(tmp_path: Path) -> None:
    """In this process: what the child says is passed on as it is (above)."""
    assert paper.pdf(io.BytesIO(pdf(*["words"] * 3)), 2) == {"refused": "document_too_large"}  # type: ignore[arg-type]
    (tmp_path / "in").write_bytes(docx(paragraph("x"), more=bytes(5_000)))
    assert paper.docx(str(tmp_path / "in"), 5_000) == {"refused": "document_too_large"}


def test_a_large_page_is_read_in_a_child_and_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    small = read("p.html", PAGE, url="https://x.example/p")
    monkeypatch.setattr(papers, "FEW_SIGNS", 0)
    monkeypatch.setattr(papers, "page_of", None)
    assert read("p.html", PAGE, url="https://x.example/p") == small


@pytest.mark.parametrize(
    "page", ["<ul><li>" * 120_000 + "x", "<p " + " ".join(f"a{place}" for place in range(250_000)) + ">x"],
    ids=["elements inside each other", "attributes of one"],
)  # fmt: skip
def test_a_page_that_costs_the_square_of_its_length_is_not_read_to_its_end(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two megabytes of them were a quarter of an hour."""
    monkeypatch.setattr(papers, "SECONDS", 1)
    with pytest.raises(PayloadTooLarge) as refused:
        articles_of("p.html", page.encode())
    assert refused.value.code == "document_too_large"
