"""What a file is, told from its bytes; what is refused; thumbnails and conversion."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageFile

from channels_app.content import media
from channels_app.content.media import EXCEL, WORD, Refused, as_jpeg, examine, kind_of, safe_name, sniff, thumbnail
from channels_app.content.types import UNKNOWN_FILE

ROOT = Path(__file__).resolve().parents[2]
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def picture(form: str = "PNG", size: tuple[int, int] = (8, 6), mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "red").save(out, form, **options)
    return out.getvalue()


def archive(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return out.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """A few hundred bytes that claim to be width × height pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def iso(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mp42isom" + bytes(50)


def webm(kind: bytes = b"webm") -> bytes:
    return b"\x1a\x45\xdf\xa3" + bytes(8) + b"\x42\x82" + bytes([0x80 + len(kind)]) + kind + bytes(30)


KEPT = {
    "jpeg": (picture("JPEG"), "", "image/jpeg"),
    "png": (picture("PNG"), "", "image/png"),
    "gif": (picture("GIF"), "", "image/gif"),
    "webp": (picture("WEBP"), "", "image/webp"),
    "jpeg called png": (picture("JPEG"), "image/png", "image/jpeg"),
    "mp4": (iso(b"isom"), "", "video/mp4"),
    "voice note in mp4": (iso(b"mp42"), "audio/mp4", "audio/mp4"),
    "m4a": (iso(b"M4A "), "", "audio/mp4"),
    "3gp": (iso(b"3gp4"), "", "video/3gpp"),
    "mp3 with tags": (b"ID3\4" + bytes(100), "", "audio/mpeg"),
    "mp3": (b"\xff\xfb\x90\x64" + bytes(400), "", "audio/mpeg"),
    "opus": (b"OggS\0\2" + bytes(20) + b"\x01\x13OpusHead" + bytes(30), "audio/ogg; codecs=opus", "audio/ogg"),
    "aac": (b"\xff\xf1\x50\x80\x1f\xfc" + bytes(50), "", "audio/aac"),
    "amr": (b"#!AMR\n\x0c" + bytes(40), "", "audio/amr"),
    "wav": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), "", "audio/wav"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\n", "", "application/pdf"),
    "docx": (archive("[Content_Types].xml", "word/document.xml"), "", WORD),
    "xlsx": (archive("[Content_Types].xml", "xl/workbook.xml"), "", EXCEL),
    "zip": (archive("a.txt"), WORD, "application/zip"),
    "doc": (OLE, "", "application/msword"),
    "xls": (OLE, "application/vnd.ms-excel", "application/vnd.ms-excel"),
    "text": ("Grüße\n".encode(), "", "text/plain"),
    "text in latin-1": ("Grüße\n".encode("latin-1"), "image/png", "text/plain"),
    "csv": (b"a;b\n1;2\n", "text/csv", "text/csv"),
    "heic": (iso(b"heic"), "", "image/heic"),
    "heic called jpeg": (iso(b"heix"), "image/jpeg", "image/heic"),
    "heic by what it is compatible with": (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic" + bytes(50), "", "image/heic"),
    "heif of another sort": (b"\0\0\0\x18ftypmif1\0\0\0\0mif1" + bytes(50), "", UNKNOWN_FILE),
    "avif": (iso(b"avif"), "", "image/avif"),
    "quicktime": (iso(b"qt  "), "", "video/quicktime"),
    "webm": (webm(), "", "video/webm"),
    "recording in webm": (webm(), "audio/webm; codecs=opus", "audio/webm"),
    "matroska": (webm(b"matroska"), "video/webm", UNKNOWN_FILE),
    "bitmap": (picture("BMP"), "image/png", UNKNOWN_FILE),
    "tiff": (picture("TIFF"), "", UNKNOWN_FILE),
    "noise": (bytes(range(1, 200)), "application/pdf", UNKNOWN_FILE),
    "rar": (b"Rar!\x1a\7\1\0" + bytes(60), "application/x-rar", UNKNOWN_FILE),
}


@pytest.mark.parametrize(("content", "declared", "mime"), KEPT.values(), ids=KEPT)
def test_the_bytes_tell_the_type(content, declared, mime):
    assert sniff(io.BytesIO(content), declared) == mime


REFUSED = {
    "html": b"<!DOCTYPE html><html>",
    "html after blanks and a mark": b"\xef\xbb\xbf \r\n <HTML>",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "svg in xml": b"<?xml version='1.0'?><svg/>",
    "comment before html": b"<!-- x --><script>alert(1)</script>",
    "windows program": b"MZ\x90\0" + bytes(100),
    "linux program": b"\x7fELF\2\1\1" + bytes(80),
    "mac program": b"\xcf\xfa\xed\xfe" + bytes(60),
    "shell script": b"#!/bin/sh\nrm -r /",
    "java program": archive("META-INF/MANIFEST.MF", "A.class"),
    "android program": archive("AndroidManifest.xml"),
    "macro document": archive("[Content_Types].xml", "word/vbaProject.bin"),
    "rich text": b"{\\rtf1 hi}",
    "mac program for several machines": b"\xca\xfe\xba\xbe\0\0\0\2" + bytes(60),
    "android code": b"dex\n035\0" + bytes(60),
    "web assembly": b"\0asm\1\0\0\0" + bytes(20),
    "shortcut": b"L\0\0\0\1\x14\2\0" + bytes(60),
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("declared", ["image/png", "text/plain", "application/pdf"])
def test_what_is_not_on_the_list_is_refused_whatever_it_is_called(content, declared):
    with pytest.raises(Refused) as refused:
        examine(io.BytesIO(content), declared)
    assert refused.value.code == "type_refused"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (picture("PNG")[:20], "image_broken"),
        (huge_png(30_000, 30_000), "image_too_large"),
        (huge_png(8_000, 8_000), "image_too_large"),
    ],
    ids=["nothing", "header only", "900 megapixels", "64 megapixels"],
)
def test_a_bad_image_is_refused_with_a_reason(content, code):
    with pytest.raises(Refused) as refused:
        examine(io.BytesIO(content))
    assert refused.value.code == code


def gps_photo() -> bytes:
    """40 × 20 pixels that are shown upright, 20 × 40, taken somewhere."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 0.0)
    return picture("JPEG", (40, 20), exif=exif)


def test_a_photo_on_its_side_is_measured_as_it_is_shown():
    facts = examine(io.BytesIO(gps_photo()))
    assert (facts.mime, facts.width, facts.height) == ("image/jpeg", 20, 40)


@pytest.mark.parametrize("make", [thumbnail, as_jpeg])
def test_what_is_made_of_a_photo_stands_upright_and_does_not_tell_where_it_was_taken(make):
    made = Image.open(io.BytesIO(make(io.BytesIO(gps_photo()), "image/jpeg")))
    assert made.size == (20, 40)
    assert not made.getexif()


@pytest.mark.parametrize(
    ("form", "size", "expected"),
    [
        ("PNG", (1000, 500), (320, 160)),
        ("JPEG", (900, 1800), (160, 320)),
        ("GIF", (640, 640), (320, 320)),
        ("WEBP", (10, 20), (10, 20)),
    ],
)
def test_a_thumbnail_is_a_small_webp(form, size, expected):
    made = Image.open(io.BytesIO(thumbnail(io.BytesIO(picture(form, size)), f"image/{form.lower()}")))
    assert (made.format, made.size) == ("WEBP", expected)


def test_transparency_becomes_white_in_a_jpeg_and_the_bytes_are_the_same_each_time():
    clear = io.BytesIO()
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(clear, "PNG")
    made = as_jpeg(clear, "image/png")
    assert made == as_jpeg(clear, "image/png")
    assert Image.open(io.BytesIO(made)).getpixel((0, 0)) == (255, 255, 255)


def test_a_picture_that_is_cut_off_is_kept_without_a_thumbnail():
    cut = picture("PNG", (400, 400), "L")[:120]
    assert examine(io.BytesIO(cut)).width == 400
    assert thumbnail(io.BytesIO(cut), "image/png") is None
    assert thumbnail(io.BytesIO(b"%PDF-1.7"), "application/pdf") is None


@pytest.mark.parametrize(
    ("name", "mime", "safe"),
    [
        ("photo.JPG", "image/jpeg", "photo.JPG"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("C:\\temp\\run.bat", "text/plain", "run.bat.txt"),
        ("invoice.pdf.exe", "application/pdf", "invoice.pdf.exe.pdf"),
        ("gpj.\u202eexe.png", "image/png", "gpj.exe.png"),
        ("a\r\nSet-Cookie: x", "image/png", "a Set-Cookie: x.png"),
        ("", "image/png", ""),
        (".htaccess", "text/plain", "htaccess.txt"),
        ("x" * 300 + ".pdf", "application/pdf", "x" * 196 + ".pdf"),
    ],
)
def test_a_name_is_safe_to_save_under(name, mime, safe):
    assert safe_name(name, mime) == safe


@pytest.mark.parametrize(
    ("mime", "kind"),
    [("image/png", "image"), ("Audio/ogg; codecs=opus", "audio"), ("video/mp4", "video"), ("text/csv", "file")],
)
def test_the_type_decides_how_a_file_is_shown(mime, kind):
    assert kind_of(mime) == kind


# ------------------------------------------------------------------------------------ bombs


def jpeg_in_scans(side: int) -> bytes:
    """A JPEG that claims ``side`` pixels each way, three components, and sends each in a scan of its own."""
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, side, side, 3) + bytes([1, 17, 0, 2, 17, 0, 3, 17, 0])
    return b"\xff\xd8" + frame + b"\xff\xda" + struct.pack(">HB", 8, 1) + bytes([1, 0, 0, 63, 0]) + b"\x00" * 64


BOMBS = {
    "progressive JPEG": ("image/jpeg", lambda: picture("JPEG", (6000, 6000), progressive=True, subsampling=0)),
    "JPEG in several scans": ("image/jpeg", lambda: jpeg_in_scans(6000)),
    "WebP": ("image/webp", lambda: picture("WEBP", (3000, 3000), lossless=True)),
    "JPEG whose head has no end": ("image/jpeg", lambda: with_segments(picture("JPEG", (64, 64)), 1200)),
}


def with_segments(jpeg: bytes, count: int) -> bytes:
    return jpeg[:2] + b"\xff\xfe\x00\x04hi" * count + jpeg[2:]


@pytest.mark.parametrize(("mime", "made"), BOMBS.values(), ids=BOMBS)
def test_what_would_take_too_much_memory_is_kept_and_not_decoded(monkeypatch, mime, made):
    content = made()
    decoded = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *_: decoded.append(1))
    assert examine(io.BytesIO(content)).mime == mime
    assert [make(io.BytesIO(content), mime) for make in (thumbnail, as_jpeg)] == [None, None]
    assert decoded == []


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["line by line", "progressive"])
def test_a_usual_photo_is_decoded_however_it_was_written(options):
    assert thumbnail(io.BytesIO(picture("JPEG", (4000, 3000), **options)), "image/jpeg")


def test_sixteen_megapixels_are_the_most_where_every_pixel_has_to_be_decoded():
    assert examine(io.BytesIO(huge_png(4_000, 4_000))).width == 4_000
    with pytest.raises(Refused, match="image_too_large"):
        examine(io.BytesIO(huge_png(6_324, 6_324)))


@pytest.mark.parametrize(("make", "shape"), [(thumbnail, "_small"), (as_jpeg, "_flat")])
def test_one_image_is_decoded_at_a_time(monkeypatch, make, shape):
    free = []
    monkeypatch.setattr(
        media, shape, lambda image: free.append(media._decoding.acquire(blocking=False)) or image.convert("RGB")
    )
    assert [make(io.BytesIO(picture()), "image/png") is None for _ in range(2)] == [False, False]
    assert free == [False, False]


GROWTH = """
import io, sys
from PIL import Image
from channels_app.content import media
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
small = io.BytesIO(); Image.new("RGBA", (40, 40)).save(small, "PNG"); media.thumbnail(small, "image/png")
before = peak()
assert media.thumbnail(open(sys.argv[1], "rb"), sys.argv[2])
print((peak() - before) // 1024)
"""


@pytest.mark.parametrize(
    ("form", "side", "mode", "mime"),
    [("PNG", 4000, "RGBA", "image/png"), ("PNG", 4000, "LA", "image/png"), ("WEBP", 2200, "RGBA", "image/webp")],
)
def test_the_largest_image_costs_less_than_a_hundred_megabytes(tmp_path, form, side, mode, mime):
    """Measured by a process of its own: 185 and 308 MB before."""
    path = tmp_path / "bomb"
    Image.new(mode, (side, side)).save(path, form)
    words = [sys.executable, "-c", GROWTH, str(path), mime]
    grew = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert int(grew) < 100
