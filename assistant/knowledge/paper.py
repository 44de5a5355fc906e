"""Run as a script: ``paper.py <pdf|docx|html> <from> <to> <pages at most> <bytes unpacked at most>``: the words of a document, as JSON.

Its limits are those of the child that runs it. ``to`` is ``{"refused": code}`` where the document is no such thing, else
``{"title", "pages"}`` of a PDF, ``{"html"}`` of a DOCX and what page.py tells of a page.
"""

import json
import runpy
import sys
import zipfile
from pathlib import Path

OLE = b"\xd0\xcf\x11\xe0"  # what an encrypted DOCX lies in


def pdf(source: str, most_pages: int) -> dict[str, object]:
    import pypdf
    from pypdf.errors import DependencyError, PyPdfError

    try:
        reader = pypdf.PdfReader(source)
        if reader.is_encrypted and not reader.decrypt(""):
            return {"refused": "document_locked"}
        if len(reader.pages) > most_pages:
            return {"refused": "document_too_large"}
        title = reader.metadata.title if reader.metadata else ""
        return {"title": str(title or ""), "pages": [page.extract_text() for page in reader.pages]}
    except DependencyError:  # a way of locking that is not known here
        return {"refused": "document_locked"}
    except (PyPdfError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return {"refused": "document_broken"}


def docx(source: str, most_bytes: int) -> dict[str, object]:
    with Path(source).open("rb") as file:
        if file.read(4) == OLE:
            return {"refused": "document_locked"}
        try:
            with zipfile.ZipFile(file) as parts:
                if sum(part.file_size for part in parts.infolist()) > most_bytes:
                    return {"refused": "document_too_large"}
            import mammoth

            no_image = mammoth.images.img_element(lambda _: {"src": ""})
            return {"html": mammoth.convert_to_html(file, convert_image=no_image, external_file_access=False).value}
        except Exception:  # noqa: BLE001  the package raises whatever its XML and ZIP readers do
            return {"refused": "document_broken"}


def page(source: str) -> dict[str, object]:
    told: dict[str, object] = runpy.run_path(str(Path(__file__).with_name("page.py")))["page_of"](
        Path(source).read_text(encoding="utf-8")
    )
    return told


def main() -> None:
    kind, source, target, most_pages, most_bytes = sys.argv[1:6]
    if kind == "html":
        told = page(source)
    else:
        told = pdf(source, int(most_pages)) if kind == "pdf" else docx(source, int(most_bytes))
    with Path(target).open("w", encoding="utf-8", errors="replace") as file:
        json.dump(told, file)


if __name__ == "__main__":
    main()
