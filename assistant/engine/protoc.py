"""Writes assistant/engine/grpc_gen from assistant/engine/engine.proto: python -m assistant.engine.protoc, or with --check only compares.

Owns the one command that generates. Must not be imported by the service: grpcio-tools is for development.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = "assistant/engine/grpc_gen"
FILES = ("engine_pb2.py", "engine_pb2.pyi", "engine_pb2_grpc.py")


def generate(into: Path) -> None:
    """Write FILES below ``into``. Raises SystemExit when the proto is wrong (protoc has said what)."""
    arguments = [f"--{kind}_out={into}" for kind in ("python", "pyi", "grpc_python")]
    # The proto lies beside the package of what is made of it: a virtual path gives that its imports.
    mapped = [f"-I{PACKAGE}={ROOT / 'assistant/engine'}", f"{PACKAGE}/engine.proto"]
    if protoc.main(["protoc", *arguments, *mapped]):
        raise SystemExit(1)


def stale() -> list[str]:
    """The files that are not what the proto says."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = {name: (Path(folder) / PACKAGE / name).read_bytes() for name in FILES}
    kept = {name: ROOT / PACKAGE / name for name in FILES}
    return [name for name, path in kept.items() if not path.exists() or path.read_bytes() != fresh[name]]


def main(arguments: list[str]) -> None:
    if "--check" not in arguments:
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder))
            for name in FILES:
                shutil.copy(Path(folder) / PACKAGE / name, ROOT / PACKAGE / name)
    elif names := stale():
        raise SystemExit(f"{', '.join(names)}: not what engine.proto says. Run: python -m assistant.engine.protoc")


if __name__ == "__main__":
    main(sys.argv[1:])
