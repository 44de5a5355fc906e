"""Other forms of a file: what a picture, sound or film can be turned into, and which of them a channel takes (MSG-4).

Owns the tables and the choice. Must not convert anything (messaging/media/convert does), nor know rows or storage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from channels_app.content.media import FORMATS, essence, kind_of
from channels_app.content.types import Capabilities

ROOM = 1.1  # what a container adds to its streams
STEREO = "stereo"  # stands among the codecs of a file with more than one channel of sound


@dataclass(frozen=True)
class Form:
    """One way to write a file. ``name`` is part of addresses and names in the storage: it stays.

    ``side`` pixels at most, 0: as it is; ``kbps`` of the sound, ``picture_kbps`` of the film.
    """

    name: str
    mime: str
    ending: str
    side: int = 0
    kbps: int = 0
    picture_kbps: int = 0

    def bytes_for(self, seconds: float) -> int:
        """About how large a recording of that length becomes; 0 for a picture."""
        return int((self.kbps + self.picture_kbps) * 125 * seconds * ROOM)


#: from the best to the smallest; of those that a channel takes the first is made that is small enough
LADDERS: dict[str, tuple[Form, ...]] = {
    "image": (
        Form("jpeg", "image/jpeg", ".jpg"),
        Form("jpeg-2048", "image/jpeg", ".jpg", side=2048),
        Form("jpeg-1024", "image/jpeg", ".jpg", side=1024),
        Form("jpeg-640", "image/jpeg", ".jpg", side=640),
    ),
    "audio": (
        Form("opus", "audio/ogg", ".ogg", kbps=32),
        Form("m4a", "audio/mp4", ".m4a", kbps=64),
        Form("m4a-24", "audio/mp4", ".m4a", kbps=24),
        Form("mp3", "audio/mpeg", ".mp3", kbps=64),
        Form("mp3-16", "audio/mpeg", ".mp3", kbps=16),
    ),
    "video": (
        Form("mp4", "video/mp4", ".mp4", side=1280, kbps=96, picture_kbps=1500),
        Form("mp4-480", "video/mp4", ".mp4", side=480, kbps=48, picture_kbps=400),
        Form("mp4-240", "video/mp4", ".mp4", side=240, kbps=24, picture_kbps=120),
    ),
}
FORMS: dict[str, Form] = {form.name: form for ladder in LADDERS.values() for form in ladder}
#: what browsers of people and staff cannot show, with the form that they get instead
SHOWN_AS: dict[str, Form] = {
    "image/heic": FORMS["jpeg"],
    "image/avif": FORMS["jpeg"],
    "audio/amr": FORMS["m4a"],
    "audio/webm": FORMS["m4a"],
    "video/3gpp": FORMS["mp4"],
    "video/quicktime": FORMS["mp4"],
    "video/webm": FORMS["mp4"],
}
#: of these, what people see as a picture, sound or film also where nothing could be made of it: some browser shows it
SHOWN_ANYWAY = frozenset({"audio/amr", "video/3gpp"})
#: what a converter reads: the image library, the HEIF library, and ffmpeg's name of the container
CONTAINERS: dict[str, str] = {
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/mp4": "mov",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/webm": "matroska",
    "video/3gpp": "mov",
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/webm": "matroska",
}
HEIF = frozenset({"image/heic"})
PICTURES = frozenset(FORMATS) | HEIF | {"image/avif"}


def takes(limits: Mapping[str, int], mime: str, size: int) -> bool:
    """Whether a channel takes a file of this type and size (bytes); no limits: whatever comes."""
    mime = essence(mime)
    return not limits or size <= limits.get(mime, limits.get(f"{mime.split('/')[0]}/*", -1))


def plays(caps: Capabilities, mime: str, codecs: Sequence[str] | None) -> bool:
    """Whether the channel's people can play it. ``codecs``: of its streams, None where they are not known."""
    wanted = caps.media_codecs.get(essence(mime))
    if wanted is None:
        return True
    return bool(wanted) if codecs is None else set(codecs) <= set(wanted)


def convertible(mime: str) -> bool:
    """Whether there is a converter for files of this type at all, if it is installed."""
    return mime in PICTURES or mime in CONTAINERS


def ladder_for(caps: Capabilities, mime: str, seconds: float = 0.0) -> Iterator[Form]:
    """The forms of a file of type ``mime`` that the channel takes, from the best to the smallest; those of which its
    length tells that they become too large are left out."""
    if not convertible(mime):
        return
    for form in LADDERS[kind_of(mime)]:
        playable = caps.media_codecs.get(form.mime) != []
        if playable and takes(caps.media_types, form.mime, form.bytes_for(seconds)):
            yield form
