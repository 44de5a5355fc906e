"""What the commands that serve gRPC share: their arguments, their keys, and serving until a signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import grpc
from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from chatsvc.observe import metrics
from tenants.work.grpc_server import GrpcServer

S = TypeVar("S", bound=GrpcServer)


class Names(NamedTuple):
    """Of the settings that a command goes by."""

    port: str
    threads: str
    certificate: str
    key: str


def listening_arguments(parser: CommandParser, names: Names) -> None:
    env = settings.ENV
    parser.add_argument("--host", default=env["HOST"], help="address to listen on (default: HOST)")
    parser.add_argument("--port", type=int, default=env[names.port], help=f"default: {names.port}")
    parser.add_argument("--workers", type=int, default=env[names.threads], help=f"threads (default: {names.threads})")


def listening(make: Callable[..., S], names: Names, options: Mapping[str, Any]) -> S:
    """The server that ``make`` gives for host, port, threads and credentials. Raises CommandError when the port is taken,
    or half of a pair of keys is missing."""
    threads = max(options["workers"], 1)
    try:
        return make(host=options["host"], port=options["port"], threads=threads, credentials=credentials(names))
    except OSError as error:
        raise CommandError(f"{error}. Choose another with --port.") from None


@contextmanager
def served(server: GrpcServer, grace_s: float) -> Iterator[None]:
    """What is inside is done once the server is started. SIGTERM and SIGINT end it: nothing new is taken, and what runs has
    ``grace_s`` seconds."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    server.start()
    metrics.serve(settings.ENV["METRICS_PORT"])
    yield
    stopping.wait()
    server.stop(grace_s)


def credentials(names: Names) -> grpc.ServerCredentials | None:
    """None without TLS. Raises CommandError when one of the two files is not named."""
    certificate, key = settings.ENV[names.certificate], settings.ENV[names.key]
    if bool(certificate) != bool(key):
        raise CommandError(f"{names.certificate} and {names.key} go together.")
    return grpc.ssl_server_credentials([(Path(key).read_bytes(), Path(certificate).read_bytes())]) if key else None
