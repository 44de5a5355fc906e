"""What a file is, told from its bytes: type, limits, thumbnail, conversion.

Owns the rules of MSG-4 that need nothing but bytes. Must not know rows, storage or the network, nor
believe what a sender says of a file.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO

import puremagic
from PIL import Image, ImageOps

from channels_app.content.normalise import clean_text
from channels_app.content.types import MIME_TYPES

HEAD = 8192  # bytes that signatures are looked for in
TAIL = 65536  # bytes at the end of an archive, where its table of contents stands
THUMBNAIL_PX = 320
#: pixels; what claims more is refused before a single one is decoded. JPEGs are decoded at a fraction.
MAX_PIXELS = {"image/jpeg": 130_000_000, "image/png": 40_000_000, "image/webp": 40_000_000, "image/gif": 40_000_000}
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}

#: how the signature library names what we call otherwise; by MIME type, else by ending
SAME = {
    "application/ogg": "audio/ogg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    ".m4a": "audio/mp4",
    ".amr": "audio/amr",
}
WORD, EXCEL, POWERPOINT = (
    f"application/vnd.openxmlformats-officedocument.{name}"
    for name in ("wordprocessingml.document", "spreadsheetml.sheet", "presentationml.presentation")
)
OLD_OFFICE = ("application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP = b"PK\x03\x04"
FOLDERS = {b"word/": WORD, b"xl/": EXCEL, b"ppt/": POWERPOINT}
#: programs and macros in the clothes of an archive or document
ACTIVE_PARTS = (b"META-INF/MANIFEST.MF", b"AndroidManifest.xml", b"vbaProject.bin")
#: text that a browser, shell or office program would carry out
ACTIVE_TEXT = (b"<", b"#!", b"{\\rtf", b"%!PS", b"MZ")
TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1b")
ENDINGS: dict[str, tuple[str, ...]] = {  # the first is the usual one
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/png": (".png",),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "video/mp4": (".mp4", ".m4v"),
    "video/3gpp": (".3gp", ".3gpp"),
    "audio/mpeg": (".mp3", ".mpga"),
    "audio/ogg": (".ogg", ".oga", ".opus"),
    "audio/mp4": (".m4a", ".mp4"),
    "audio/aac": (".aac",),
    "audio/amr": (".amr",),
    "audio/wav": (".wav",),
    "application/pdf": (".pdf",),
    "text/plain": (".txt", ".text", ".log", ".md"),
    "text/csv": (".csv",),
    "application/zip": (".zip",),
    "application/msword": (".doc",),
    "application/vnd.ms-excel": (".xls",),
    "application/vnd.ms-powerpoint": (".ppt",),
    WORD: (".docx",),
    EXCEL: (".xlsx",),
    POWERPOINT: (".pptx",),
}


class Refused(Exception):
    """A file that is not kept. ``code``: type_refused, too_large, empty, image_too_large, image_broken."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Facts:
    """What is certain of a file. ``width`` and ``height`` in pixels as shown, None for what is no image."""

    mime: str
    width: int | None = None
    height: int | None = None


def examine(file: IO[bytes], declared: str = "") -> Facts:
    """The facts of a file on the allow-list. ``declared`` decides only between types that share their
    bytes. Raises Refused."""
    mime = sniff(file, declared)
    if mime not in FORMATS:
        return Facts(mime)
    with _image(file, mime) as image:
        width, height = image.size
        # orientation: lies on its side; a PNG would have to be decoded to know
        turned = mime != "image/png" and image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return Facts(mime, height, width) if turned else Facts(mime, width, height)


def sniff(file: IO[bytes], declared: str = "") -> str:
    """The MIME type that the bytes show. Raises Refused ``empty`` or ``type_refused``."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(HEAD)
    if not head:
        raise Refused("empty")
    declared = essence(declared)
    if head.startswith(OLE):
        return declared if declared in OLD_OFFICE else OLD_OFFICE[0]
    if head.startswith(ZIP):
        file.seek(max(0, size - TAIL))
        return _archive(head + file.read(TAIL))
    return _text(head, declared) if _is_text(head) else _binary(head, declared)


def essence(mime: str) -> str:
    """A MIME type without parameters, in lower case."""
    return mime.split(";")[0].strip().lower()


def kind_of(mime: str) -> str:
    """The content type that shows a MIME type: image, audio, video or file."""
    family = essence(mime).split("/")[0]
    return family if family in ("image", "audio", "video") else "file"


def safe_name(name: str, mime: str) -> str:
    """``name`` as it may be offered for saving: no path, no control characters, and an ending that says
    what the bytes are ("photo.png.exe" that is text becomes "photo.png.exe.txt"). "" stays ""."""
    plain = clean_text(PurePath(name.replace("\\", "/")).name, limit=1000).replace("\n", " ").strip(". ")
    if not plain:
        return ""
    endings = ENDINGS.get(mime, ("",))
    ending = "" if plain.lower().endswith(endings) else endings[0]
    return plain[-(200 - len(ending)) :] + ending


def thumbnail(file: IO[bytes], mime: str) -> bytes | None:
    """A WebP of at most 320 × 320 pixels, upright, without metadata (EXIF holds where a photo was taken).
    None for what is no image, or one whose pixels are damaged."""
    if mime not in FORMATS:
        return None
    return _written(file, mime, "WEBP", quality=75, box=THUMBNAIL_PX)


def as_jpeg(file: IO[bytes], mime: str) -> bytes | None:
    """The image as a JPEG in its own size, on white where it is transparent, without metadata; the first
    picture of an animation. The same bytes every time. None when its pixels are damaged."""
    return _written(file, mime, "JPEG", quality=88, box=None)


# ------------------------------------------------------------------------------ signatures


def _archive(ends: bytes) -> str:
    if any(part in ends for part in ACTIVE_PARTS):
        raise Refused("type_refused")
    if b"[Content_Types].xml" in ends:
        return next((mime for folder, mime in FOLDERS.items() if folder in ends), "application/zip")
    return "application/zip"


def _is_text(head: bytes) -> bool:
    return all(byte >= 0x20 or byte in TEXT_CONTROLS for byte in head)


def _text(head: bytes, declared: str) -> str:
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(ACTIVE_TEXT):
        raise Refused("type_refused")
    return "text/csv" if declared == "text/csv" else "text/plain"


def _binary(head: bytes, declared: str) -> str:
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        found = []
    likely = [one for one in found if one.confidence == found[0].confidence]
    named = [SAME.get(one.mime_type) or SAME.get(one.extension) or one.mime_type for one in likely]
    mime = next((name for name in named if name in MIME_TYPES), "")
    if not mime:
        raise Refused("type_refused")
    # one container holds a film as well as a voice note: only the sender knows
    return "audio/mp4" if mime == "video/mp4" and declared in ("audio/mp4", "audio/aac") else mime


# ---------------------------------------------------------------------------------- images


@contextmanager
def _image(file: IO[bytes], mime: str) -> Iterator[Image.Image]:
    """The image with its header read and nothing decoded. Raises Refused."""
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is checked below
            image = Image.open(file, formats=(FORMATS[mime],))
    except Image.DecompressionBombError as error:
        raise Refused("image_too_large") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise Refused("image_broken") from error
    with image:
        if image.width * image.height > MAX_PIXELS[mime]:
            raise Refused("image_too_large")
        yield image


def _written(file: IO[bytes], mime: str, form: str, *, quality: int, box: int | None) -> bytes | None:
    with _image(file, mime) as image:
        try:
            if box:
                image.draft("RGB", (box * 2, box * 2))  # JPEG: decode a fraction of the pixels
            shown = ImageOps.exif_transpose(image)
            if box:
                shown.thumbnail((box, box))
            shown = _flat(shown) if form == "JPEG" else shown.convert("RGBA" if shown.has_transparency_data else "RGB")
            out = io.BytesIO()
            shown.info.clear()  # else a profile, EXIF or comment would come along
            shown.save(out, form, quality=quality)
        except (OSError, ValueError, SyntaxError):  # cut off or damaged behind its header
            return None
    return out.getvalue()


def _flat(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    page = Image.new("RGBA", image.size, "white")
    page.alpha_composite(image.convert("RGBA"))
    return page.convert("RGB")
