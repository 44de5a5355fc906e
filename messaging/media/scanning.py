"""Files are shown to a virus scanner before anything is made of them: ClamAV's clamd, over its socket (CLAMAV_URL).

Owns the protocol (INSTREAM, docs.clamav.net/manual/Usage/Scanning.html#clamd) and what an answer means for the file. Must
not keep anything of a file that is refused, nor know whose it is.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO
from urllib.parse import urlsplit

import regex
import structlog
from django.conf import settings

from channels_app.content.media import Refused
from channels_app.contract import Unreachable
from messaging.measures import SCANS
from tenants.errors import Unavailable
from tenants.storage.db import StorageAway
from tenants.work.breaker import Breaker
from tenants.work.crew import outside

log = structlog.get_logger(__name__)

CONNECT_S = 2.0
TOTAL_S = 20.0  # of one file: connecting, sending and the answer
CHUNK = 64 * 1024  # bytes
MOST_TOLD = 1024  # bytes of an answer
BACK_S = 5  # how soon a person may try again while the scanner is away
PORT = 3310  # where the URL names none
CLEAN, TOO_LARGE = "stream: OK", "INSTREAM size limit exceeded"
FOUND = regex.compile(r"stream: (\S{1,200}) FOUND")
_breaker = Breaker(failures=2, cool_s=BACK_S)


class ScannerAway(StorageAway):
    """The scanner is not there. One of our own servers: it costs a file no try."""


class ScannerFailed(Unreachable):
    """The scanner was there, and gave no answer that says something of this file: perhaps the file is the reason."""

    def __init__(self, reason: str):
        super().__init__("scanner_failed", reason)

    def __str__(self) -> str:
        return self.detail


class ScannerBusy(Unavailable):
    """503 for people and integrators who upload: nothing was kept."""

    code = "scanner_away"
    message = "Files cannot be examined at the moment. Please try again shortly."


def scan(file: IO[bytes]) -> None:
    """Nothing where no scanner is set. Raises Refused ``infected``; unless CLAMAV_FAIL=open ``not_scanned`` where the file
    is larger than the scanner takes, ScannerAway and ScannerFailed."""
    if not settings.ENV["CLAMAV_URL"]:
        return
    try:
        told = _answer(file)
    except (ScannerAway, ScannerFailed) as error:
        if settings.ENV["CLAMAV_FAIL"] == "open":
            _skipped(str(error))
            return
        SCANS.labels("away").inc()
        log.warning("scanner_away", reason=str(error))
        raise
    if told == CLEAN:
        SCANS.labels("clean").inc()
    elif found := FOUND.fullmatch(told):
        SCANS.labels("infected").inc()
        log.warning("file_infected", found=found[1])
        raise Refused("infected")
    elif settings.ENV["CLAMAV_FAIL"] == "open":
        _skipped("too_large")
    else:
        SCANS.labels("not_scanned").inc()
        log.warning("file_not_scanned", reason="too_large")
        raise Refused("not_scanned")


def scanner_ask() -> None:
    """Raises ScannerAway or ScannerFailed where it does not say that it lives."""
    with _connected() as peer:
        peer.sendall(b"zPING\0")
        if _line(peer, time.monotonic() + CONNECT_S) != "PONG":
            raise ScannerFailed("odd_answer")


def _skipped(reason: str) -> None:
    SCANS.labels("skipped").inc()
    log.warning("scan_skipped", reason=reason)


def _answer(file: IO[bytes]) -> str:
    """What the scanner says of a file: that it is clean, what it found, or that it is too large for it."""
    if not _breaker.admits():
        raise ScannerAway("resting")
    try:
        with outside():
            told = _exchange(file)
        if not (told == CLEAN or FOUND.fullmatch(told) or told.startswith(TOO_LARGE)):
            raise ScannerFailed("odd_answer")
    except (ScannerAway, ScannerFailed):
        _breaker.failed()
        raise
    _breaker.succeeded()
    return told


def _exchange(file: IO[bytes]) -> str:
    until = time.monotonic() + TOTAL_S
    with _connected() as peer:
        try:
            peer.sendall(b"zINSTREAM\0")
            file.seek(0)
            while chunk := file.read(CHUNK):
                peer.settimeout(_left(until))
                peer.sendall(struct.pack("!L", len(chunk)) + chunk)
            peer.sendall(struct.pack("!L", 0))
        except (BrokenPipeError, ConnectionResetError):
            pass  # a file that is too large for it is answered before all of it has come
        return _line(peer, until)


@contextmanager
def _connected() -> Iterator[socket.socket]:
    try:
        peer = _connect()
    except OSError as error:
        raise ScannerAway(_named(error)) from error
    with peer:
        try:
            yield peer
        except OSError as error:
            raise ScannerFailed(_named(error)) from error


def _connect() -> socket.socket:
    where = urlsplit(settings.ENV["CLAMAV_URL"])
    if where.scheme != "unix":
        return socket.create_connection((where.hostname or "", where.port or PORT), CONNECT_S)
    peer = socket.socket(socket.AF_UNIX)
    try:
        peer.settimeout(CONNECT_S)
        peer.connect(where.path)
    except OSError:
        peer.close()
        raise
    return peer


def _line(peer: socket.socket, until: float) -> str:
    """One answer, which a NUL ends."""
    told = b""
    while not told.endswith(b"\0"):
        peer.settimeout(_left(until))
        piece = peer.recv(MOST_TOLD)
        told += piece
        if not piece or len(told) > MOST_TOLD:
            raise ScannerFailed("odd_answer")
    return told[:-1].decode("utf-8", "replace").strip()


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _named(error: OSError) -> str:
    return "timeout" if isinstance(error, TimeoutError) else type(error).__name__
