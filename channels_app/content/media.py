"""What a file is, told from its bytes: type, limits, thumbnail, conversion.

Owns the rules of MSG-4 that need nothing but bytes. Must not know rows, storage or the network, nor
believe what a sender says of a file.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import IO, TYPE_CHECKING

import puremagic

from channels_app.content.normalise import clean_text
from channels_app.content.types import MIME_TYPES, UNKNOWN_FILE

if TYPE_CHECKING:  # the library is imported with the first image
    from PIL import Image

HEAD = 8192  # bytes that signatures are looked for in
TAIL = 65536  # bytes at the end of an archive, where its table of contents stands
THUMBNAIL_PX = 320
#: pixels; what claims more is refused before a single one is decoded. JPEGs are decoded at a fraction.
MAX_PIXELS = {"image/jpeg": 130_000_000, "image/png": 16_000_000, "image/webp": 16_000_000, "image/gif": 16_000_000}
#: bytes that decoding may take; an image that needs more is kept as it is, and nothing is made of it
DECODE_BYTES = 96 * 1024 * 1024
WEBP_BYTES = 20  # a pixel while decoding: the library's two canvases, what it hands over, and the image
BAND_PX = 256  # rows that are worked on at a time where a second whole image would be too much
#: one image at a time: how many bytes a process decodes must not grow with its threads
_decoding = threading.BoundedSemaphore(1)
MOST_SEGMENTS = 1000  # of a JPEG before its first scan
HEAD_OF_SEGMENT = 10  # bytes
START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
START_OF_SCAN = 0xDA
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
#: programs, which are kept for no person: ELF, Mach-O (both ends first, and in one for several machines, as Java's classes
#: begin), Android's, WebAssembly, Windows' shortcuts
PROGRAMS = (
    *(b"\x7fELF", b"\xfe\xed\xfa", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"),
    *(b"MZ", b"dex\n", b"\0asm", b"L\0\0\0\x01\x14\x02\0"),
)
#: what would run when a file of unknown bytes is opened under such a name
RUNNABLE = tuple(
    f".{ending}" for ending in
    "exe com scr pif bat cmd msi msp cpl dll ps1 vbs vbe js jse wsf wsh hta lnk reg jar apk app command sh html htm "
    "xhtml mht svg xml chm iso img dmg pkg deb rpm".split()
)  # fmt: skip
#: ISO's container by its brand; others are films or sounds, which the library knows
BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "image/heic"),
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    b"qt  ": "video/quicktime",
}
EBML = b"\x1a\x45\xdf\xa3"  # begins WebM and Matroska
TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1b")
ENDINGS: dict[str, tuple[str, ...]] = {  # the first is the usual one
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/png": (".png",),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "image/heic": (".heic", ".heif"),
    "image/avif": (".avif",),
    "video/webm": (".webm",),
    "video/quicktime": (".mov", ".qt"),
    "audio/webm": (".webm", ".weba"),
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
    """A file that is not kept. ``code``: type_refused, too_large, empty, image_too_large, image_broken, infected, not_scanned."""

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
    """The facts of a file. ``declared`` decides only between types that share their bytes. Raises Refused."""
    mime = sniff(file, declared)
    if mime not in FORMATS:
        return Facts(mime)
    with _image(file, mime) as image:
        width, height = image.size
        # orientation: lies on its side; a PNG would have to be decoded to know
        turned = mime != "image/png" and image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return Facts(mime, height, width) if turned else Facts(mime, width, height)


def sniff(file: IO[bytes], declared: str = "") -> str:
    """The MIME type that the bytes show, UNKNOWN_FILE where they show none that we know. Raises Refused ``empty``, or
    ``type_refused`` for programs, pages and macros."""
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


def name_in_form(name: str | None) -> str:
    """The name of a file as a form carries it: for a quotation mark, which ends the name there, browsers write ``%22``
    (https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data)."""
    return (name or "").replace("%22", '"')


def safe_name(name: str, mime: str) -> str:
    """``name`` as it may be offered for saving: no path, no control characters, and an ending that says
    what the bytes are ("photo.png.exe" that is text becomes "photo.png.exe.txt"). "" stays ""."""
    plain = clean_text(PurePath(name.replace("\\", "/")).name, limit=1000).replace("\n", " ").strip(". ")
    if not plain:
        return ""
    endings = ENDINGS.get(mime, ("",))
    if mime == UNKNOWN_FILE:
        ending = ".bin" if plain.lower().endswith(RUNNABLE) else ""
    else:
        ending = "" if plain.lower().endswith(endings) else endings[0]
    return plain[-(200 - len(ending)) :] + ending


def thumbnail(file: IO[bytes], mime: str) -> bytes | None:
    """A WebP of at most 320 × 320 pixels, upright, without metadata (EXIF holds where a photo was taken).
    None for what is no image, one whose pixels are damaged, and one that takes more than DECODE_BYTES.
    Waits while another image is being decoded in this process."""
    if mime not in FORMATS:
        return None
    return _made(file, mime, _small, "WEBP", quality=75)


def as_jpeg(file: IO[bytes], mime: str, side: int = 0) -> bytes | None:
    """The image as a JPEG in its own size, or of at most ``side`` pixels, on white where it is transparent, without
    metadata; the first picture of an animation. The same bytes every time. None and waiting as for ``thumbnail``."""
    return _made(file, mime, partial(_flat, side=side) if side else _flat, "JPEG", quality=88)


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
    if head.startswith(PROGRAMS):
        raise Refused("type_refused")
    if head.startswith(EBML):
        webm = "audio/webm" if declared.startswith("audio/") else "video/webm"
        return webm if b"webm" in head[:64] else UNKNOWN_FILE
    if head[4:8] == b"ftyp" and (image := _by_brand(head)):
        return image
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        found = []
    likely = [one for one in found if one.confidence == found[0].confidence]
    named = [SAME.get(one.mime_type) or SAME.get(one.extension) or one.mime_type for one in likely]
    mime = next((name for name in named if name in MIME_TYPES), UNKNOWN_FILE)
    # one container holds a film as well as a voice note: only the sender knows
    return "audio/mp4" if mime == "video/mp4" and declared in ("audio/mp4", "audio/aac") else mime


def _by_brand(head: bytes) -> str:
    """What an ISO file calls itself, else what it says it is compatible with; "" for films and sounds.
    ISO/IEC 14496-12 4.3"""
    if head[8:12] in BRANDS:
        return BRANDS[head[8:12]]
    if head[8:12] not in (b"mif1", b"msf1"):
        return ""
    end = min(int.from_bytes(head[:4]), 256)
    return next((BRANDS[brand] for at in range(16, end, 4) if (brand := head[at : at + 4]) in BRANDS), UNKNOWN_FILE)


# ---------------------------------------------------------------------------------- images


@contextmanager
def _image(file: IO[bytes], mime: str) -> Iterator[Image.Image]:
    """The image with its header read and nothing decoded. Raises Refused."""
    from PIL import Image

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


def _made(
    file: IO[bytes], mime: str, shape: Callable[[Image.Image], Image.Image], form: str, quality: int
) -> bytes | None:
    """What ``shape`` makes of the image, written as ``form``."""
    with _decoding, _image(file, mime) as image:
        if mime == "image/jpeg" and shape is _small:
            image.draft("RGB", (THUMBNAIL_PX * 2, THUMBNAIL_PX * 2))  # decode a fraction of the pixels
        if _decode_bytes(image, file, mime) > DECODE_BYTES:
            return None
        try:
            shown = shape(image)
            shown.info.clear()  # else a profile, EXIF or comment would come along
            out = io.BytesIO()
            shown.save(out, form, quality=quality)
        except (OSError, ValueError, SyntaxError):  # cut off or damaged behind its header
            return None
    return out.getvalue()


def _decode_bytes(image: Image.Image, file: IO[bytes], mime: str) -> int:
    """About what the pixels take in memory while they are decoded, told from the header."""
    pixels = image.width * image.height
    if mime == "image/webp":
        return pixels * WEBP_BYTES
    whole = pixels * (1 if image.mode in ("1", "L", "P") else 4)
    return whole + (_kept_whole(file) if mime == "image/jpeg" else 0)


def _kept_whole(file: IO[bytes]) -> int:
    """Bytes of the coefficients that a JPEG in several scans makes the decoder keep, at whatever size the
    image is wanted; 0 for one that is read line by line, too many for a head that cannot be read.
    https://www.w3.org/Graphics/JPEG/itu-t81.pdf B.2
    """
    position = file.seek(2)
    height = width = components = 0
    progressive = False
    for _ in range(MOST_SEGMENTS):
        file.seek(position)
        head = file.read(HEAD_OF_SEGMENT)
        if len(head) < HEAD_OF_SEGMENT or head[0] != 0xFF or head[1] == 0:
            break
        marker, length = head[1], int.from_bytes(head[2:4])
        if marker in START_OF_FRAME:
            progressive = marker in PROGRESSIVE
            height, width, components = int.from_bytes(head[5:7]), int.from_bytes(head[7:9]), head[9]
        elif marker == START_OF_SCAN:
            return 2 * width * height * components if progressive or head[4] < components else 0
        position += 1 if marker == 0xFF else 2 + length
    return DECODE_BYTES + 1


def _small(image: Image.Image) -> Image.Image:
    """Shrunk first, then turned upright: both need a copy, and the small one costs nothing. Where pixels
    are transparent the filter would make two more whole copies, so that most of them are left out before."""
    from PIL import Image, ImageOps

    image.load()
    if image.has_transparency_data and max(image.size) > 8 * THUMBNAIL_PX:
        factor = max(image.size) / (4 * THUMBNAIL_PX)
        size = (max(1, round(image.width / factor)), max(1, round(image.height / factor)))
        image = image.resize(size, Image.Resampling.NEAREST)
    image.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX), reducing_gap=2.0)
    upright = ImageOps.exif_transpose(image)
    return upright.convert("RGBA" if upright.has_transparency_data else "RGB")


def _flat(image: Image.Image, side: int = 0) -> Image.Image:
    """Upright and on white, a band at a time."""
    from PIL import Image, ImageOps

    image.load()
    if image.mode != "RGB" or image.has_transparency_data:
        page = Image.new("RGB", image.size, "white")
        for top in range(0, image.height, BAND_PX):
            band = image.crop((0, top, image.width, min(top + BAND_PX, image.height))).convert("RGBA")
            page.paste(band, (0, top), band)
        page.info, image = image.info, page
    if side:
        image.thumbnail((side, side), reducing_gap=2.0)
    ImageOps.exif_transpose(image, in_place=True)
    return image
