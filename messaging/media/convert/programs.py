"""Which converters are installed, and how each is called.

Must not know rows or storage. Everything about a call is ours: the type that the bytes show names the demuxer, so that
nothing is guessed (a playlist would name other files), no protocol but files, no decoder that no phone or browser needs.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from channels_app.content.forms import CONTAINERS, HEIF, STEREO, Form
from tenants.work.child import NotConverted, run

HEIF_SCRIPT = Path(__file__).with_name("heif.py")
HEIF_PIXELS = 60_000_000  # more than any phone's photo has
MOST_SECONDS = 3600.0  # of a recording
PROBE_S = 10
PROBE_BYTES = 64 * 1024
DECODERS = (
    "h264,hevc,vp8,libvpx-vp8,vp9,libvpx-vp9,av1,libdav1d,libaom-av1,mpeg4,h263,h263p,mjpeg,"
    "aac,aac_latm,mp3,mp3float,opus,libopus,vorbis,libvorbis,amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,"
    "alac,flac,pcm_s16le,pcm_s24le,pcm_s32le,pcm_f32le,pcm_u8,pcm_s16be,pcm_mulaw,pcm_alaw,adpcm_ima_wav,gsm_ms"
)
IN, OUT = "in", "out"  # file names in the child's folder


@dataclass(frozen=True)
class Recording:
    """What a sound or film consists of. ``codecs``: of its streams, and ``stereo``."""

    seconds: float
    codecs: frozenset[str]


def found() -> dict[str, bool]:
    """The converters by name, and whether each is installed here."""
    return {"ffmpeg": bool(_ffmpeg()), "pillow-heif": _heif()}


def recording(folder: str, mime: str) -> Recording:
    """What the file ``in`` of the folder consists of. Raises NotConverted."""
    programs = _programs()
    command = [
        programs[1], *_reading(mime), "-v", "error", "-of", "json",
        "-show_entries", "format=duration:stream=codec_type,codec_name,channels:stream_disposition=attached_pic",
        f"file:{IN}",
    ]  # fmt: skip
    try:
        told = json.loads(run(command, folder=folder, seconds=PROBE_S, most_bytes=PROBE_BYTES))
        streams = [one for one in told.get("streams", []) if one.get("codec_type") in ("audio", "video")]
        streams = [one for one in streams if not one.get("disposition", {}).get("attached_pic")]  # a song's cover
        seconds = float(told.get("format", {}).get("duration", 0))
    except (ValueError, AttributeError, TypeError) as error:
        raise NotConverted("conversion_failed") from error
    if not streams:
        raise NotConverted("conversion_failed")
    stereo = {STEREO for one in streams if int(one.get("channels") or 0) > 1}
    return Recording(seconds, frozenset({str(one.get("codec_name")) for one in streams} | stereo))


def convert(folder: str, mime: str, form: Form, *, seconds: int, most_bytes: int) -> Path:
    """The file ``in`` of the folder in another form. Raises NotConverted."""
    target = Path(folder, OUT)
    run(_command(mime, form), folder=folder, seconds=seconds, most_bytes=most_bytes)
    if not target.exists() or not target.stat().st_size:
        raise NotConverted("conversion_failed")
    return target


def _command(mime: str, form: Form) -> list[str]:
    if mime in HEIF:
        if not _heif():
            raise NotConverted("no_converter")
        return [sys.executable, "-I", str(HEIF_SCRIPT), IN, OUT, str(HEIF_PIXELS), str(form.side)]
    return [
        _programs()[0], "-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1", *_reading(mime),
        "-i", f"file:{IN}", "-map_metadata", "-1", "-map_chapters", "-1", "-dn", "-sn",
        "-threads", "1", "-filter_threads", "1", "-fflags", "+bitexact", "-flags:a", "+bitexact",
        *WRITING[form.mime](form), "-y", f"file:{OUT}",
    ]  # fmt: skip


def _reading(mime: str) -> list[str]:
    """What holds for the input: both programs take it in this form."""
    container = CONTAINERS[mime]
    return ["-protocol_whitelist", "file", "-codec_whitelist", DECODERS, "-f", container]


def _sound(form: Form, codec: str, container: str, *more: str) -> list[str]:
    return ["-vn", "-map", "0:a:0", "-ac", "1", "-c:a", codec, "-b:a", f"{form.kbps}k", *more, "-f", container]


def _film(form: Form) -> list[str]:
    rate = f"{form.picture_kbps}k"
    box = f"w='min({form.side},iw)':h='min({form.side},ih)'"
    return [
        "-map", "0:v:0", "-map", "0:a:0?",
        "-vf", f"scale={box}:force_original_aspect_ratio=decrease:force_divisible_by=2,fps=30",
        "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-crf", "26", "-maxrate", rate,
        "-bufsize", rate, "-flags:v", "+bitexact", "-c:a", "aac", "-b:a", f"{form.kbps}k", "-ac", "2",
        "-movflags", "+faststart", "-f", "mp4",
    ]  # fmt: skip


WRITING: dict[str, Any] = {
    "audio/ogg": lambda form: _sound(form, "libopus", "ogg", "-application", "voip", "-ar", "48000"),
    "audio/mp4": lambda form: _sound(form, "aac", "ipod", "-movflags", "+faststart"),
    "audio/mpeg": lambda form: _sound(form, "libmp3lame", "mp3"),
    "video/mp4": _film,
}


def _programs() -> tuple[str, str]:
    """ffmpeg and ffprobe by their paths. Raises NotConverted ``no_converter``."""
    both = _ffmpeg()
    if both is None:
        raise NotConverted("no_converter")
    return both


def _ffmpeg() -> tuple[str, str] | None:
    converter, probe = shutil.which("ffmpeg"), shutil.which("ffprobe")
    return (converter, probe) if converter and probe else None


def _heif() -> bool:
    return importlib.util.find_spec("pillow_heif") is not None
