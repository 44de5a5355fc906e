"""The file of an export: parts in the storage of files while it is being written, then one ZIP; and its signed link.

Owns where they lie, below the tenant's folder, and the index. Must not know tables.
"""

from __future__ import annotations

import gzip
import hashlib
import tempfile
import time
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, NamedTuple

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.core.signing import BadSignature, Signer
from pydantic_core import to_json

from conversations.files.attachments import storage_asked

SCHEMA, VERSION = "chatsvc.person-export", 1
CHUNK = 1 << 20  # bytes
PATH = "/api/v1/privacy/download/"
LINK_S = 900  # seconds that a link works
_signer = Signer(sep=".", salt="messaging.privacy.package")


class Packed(NamedTuple):
    size: int  # bytes
    sha256: str
    files: int
    missing: int  # files that are not there any more


class Source(NamedTuple):
    """A file of the person: where it goes, and where the storage has it."""

    path: str
    name: str


def part_write(tenant_id: uuid.UUID, export_id: uuid.UUID, name: str, lines: bytes) -> None:
    """Raises StorageAway."""
    with storage_asked():
        default_storage.save(f"{_folder(tenant_id, export_id)}/{name}", ContentFile(gzip.compress(lines, 5, mtime=0)))


def pack(
    tenant_id: uuid.UUID,
    export_id: uuid.UUID,
    name: str,
    parts: Mapping[str, Sequence[str]],
    files: Iterable[Source],
    index: Mapping[str, Any],
    keep: Callable[[], None],
) -> Packed:
    """Make the ZIP ``name`` of its parts, by the member's name, and the person's files. ``keep`` is called every now and then, and
    may raise. Nothing of it is in memory as a whole. Raises StorageAway."""
    folder = _folder(tenant_id, export_id)
    with tempfile.TemporaryFile() as made:
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as archive:
            for member, written in parts.items():
                _copy(archive, f"{member}.jsonl", _lines(folder, written), keep)
            found = [_copy_file(archive, file, keep) for file in files]
            told = {**index, "files": {"count": sum(found), "missing": len(found) - sum(found)}}
            archive.writestr("index.json", to_json({"schema": SCHEMA, "version": VERSION, **told}, indent=2))
        made.seek(0)
        digest = hashlib.file_digest(made, "sha256").hexdigest()
        size = made.tell()
        keep()
        made.seek(0)
        with storage_asked():
            default_storage.save(f"{folder}/{name}", File(made))
    return Packed(size, digest, sum(found), len(found) - sum(found))


def package_erase(tenant_id: uuid.UUID, export_id: uuid.UUID, but: str = "") -> None:
    """Whatever lies there of the export, ``but`` one file of that name."""
    folder = _folder(tenant_id, export_id)
    try:
        names = default_storage.listdir(folder)[1]
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        if name != but:
            default_storage.delete(f"{folder}/{name}")


def package_name(tenant_id: uuid.UUID, export_id: uuid.UUID, name: str) -> str:
    """By what the storage knows the file."""
    return f"{_folder(tenant_id, export_id)}/{name}"


def package_open(tenant_id: uuid.UUID, export_id: uuid.UUID, name: str) -> Any:
    """The file. Raises StorageAway, FileNotFoundError."""
    with storage_asked():
        return default_storage.open(package_name(tenant_id, export_id, name), "rb")


def _folder(tenant_id: uuid.UUID, export_id: uuid.UUID) -> str:
    return f"{tenant_id.hex}/{export_id.hex}"


def _copy(archive: zipfile.ZipFile, name: str, chunks: Iterable[bytes], keep: Callable[[], None]) -> None:
    with archive.open(name, "w", force_zip64=True) as member:
        for chunk in chunks:
            member.write(chunk)
            keep()


def _lines(folder: str, names: Iterable[str]) -> Iterator[bytes]:
    for name in names:
        with storage_asked(), default_storage.open(f"{folder}/{name}", "rb") as part:
            yield gzip.decompress(part.read())


def _copy_file(archive: zipfile.ZipFile, file: Source, keep: Callable[[], None]) -> bool:
    """False for one that was deleted meanwhile."""
    try:
        with storage_asked():
            found = default_storage.open(file.name, "rb")
    except FileNotFoundError:
        return False
    with found, storage_asked():
        _copy(archive, file.path, _chunks(found), keep)
    return True


def _chunks(file: IO[bytes] | Any) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


# ------------------------------------------------------------------------------ its link


def link_path(export_id: uuid.UUID, ends_at: float) -> str:
    """The path of the file's address, which is the permission to download it, for LINK_S seconds and not beyond ``ends_at`` (Unix
    seconds)."""
    until = int(min(time.time() + LINK_S, ends_at))
    return f"{PATH}{_signer.sign(f'{export_id.hex}.{until}')}"


def export_id_for(token: str) -> uuid.UUID | None:
    """The export that a link's token names; None when it is forged or has run out."""
    try:
        name, _, until = _signer.unsign(token).partition(".")
        return uuid.UUID(name) if int(until) > time.time() else None
    except (BadSignature, ValueError):
        return None
