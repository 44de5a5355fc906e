"""Real sounds, films and photos, small, made by the programs that are installed. Must not assert anything."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

SINE = ("-f", "lavfi", "-i", "sine=frequency=440:duration=1:sample_rate=16000")
BARS = ("-f", "lavfi", "-i", "testsrc=duration=1:size=64x48:rate=10")
H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast")
#: name → arguments of ffmpeg, ending
MADE = {
    "mp3": ((*SINE,), "mp3"),
    "wav": ((*SINE,), "wav"),
    "webm sound": ((*SINE, "-c:a", "libopus"), "webm"),
    "vorbis": ((*SINE, "-c:a", "libvorbis"), "ogg"),
    "opus": ((*SINE, "-c:a", "libopus"), "ogg"),
    "opus stereo": ((*SINE, "-ac", "2", "-c:a", "libopus"), "ogg"),
    "long wav": (("-f", "lavfi", "-i", "sine=frequency=440:duration=40:sample_rate=16000"), "wav"),
    "webm film": ((*BARS, *SINE, "-c:v", "libvpx", "-c:a", "libopus"), "webm"),
    "quicktime": ((*BARS, *H264), "mov"),
    "mp4": ((*BARS, *SINE, *H264, "-c:a", "aac"), "mp4"),
    "mpeg4 in mp4": ((*BARS, "-c:v", "mpeg4"), "mp4"),
}


def needs_ffmpeg() -> None:
    if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
        _give_up(
            "ffmpeg is not installed. Debian: apt-get install ffmpeg. REQUIRE_SERVICES=1 makes its absence a failure."
        )


def needs_heif() -> None:
    if find_spec("pillow_heif") is None:
        _give_up(
            "pillow-heif is not installed: requirements-dev.lock brings it. REQUIRE_SERVICES=1 makes that a failure."
        )


def _give_up(words: str) -> None:
    (pytest.fail if os.environ.get("REQUIRE_SERVICES") == "1" else pytest.skip)(words)


@cache
def recording(name: str) -> bytes:
    arguments, ending = MADE[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"made.{ending}")
        subprocess.run(["ffmpeg", "-v", "error", *arguments, str(path)], check=True)
        return path.read_bytes()


@cache
def heic(size: tuple[int, int] = (60, 40)) -> bytes:
    import pillow_heif

    out = io.BytesIO()
    picture = Image.new("RGB", size, "red")
    pillow_heif.from_pillow(picture).save(out, format="HEIF", quality=50)
    return out.getvalue()


def probed(content: bytes) -> dict:
    """Container, codecs and channels of what was made, as ffprobe tells them."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        shown = "format=format_name,duration:stream=codec_name,channels,width,height"
        told = subprocess.run(
            ["ffprobe", "-v", "error", "-of", "json", "-show_entries", shown, file.name],
            check=True,
            capture_output=True,
        )
    found = json.loads(told.stdout)
    return {**found["format"], "streams": found["streams"], "codecs": [one["codec_name"] for one in found["streams"]]}
