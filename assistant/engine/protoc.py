"""Writes the gRPC code from our .proto files: python -m assistant.engine.protoc, or with --check only compares.

Owns the one command that generates. Must not be imported by the service: grpcio-tools is for development.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent.parent
#: package of what is made → the file that it is made of
MADE = {
    "assistant/engine/grpc_gen": "assistant/engine/engine.proto",
    "tenants/access/hub/grpc_gen": "tenants/access/security_hub.proto",
}
ENDINGS = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py")


def generate(into: Path) -> None:
    """Write all files below ``into``. Raises SystemExit when a proto is wrong (protoc has said what)."""
    arguments = [f"--{kind}_out={into}" for kind in ("python", "pyi", "grpc_python")]
    for package, source in MADE.items():
        # The proto lies beside the package of what is made of it: a virtual path gives that its imports.
        folder, name = (ROOT / source).parent, Path(source).name
        if protoc.main(["protoc", *arguments, f"-I{package}={folder}", f"{package}/{name}"]):
            raise SystemExit(1)


def files() -> list[str]:
    return [f"{package}/{Path(source).stem}{ending}" for package, source in MADE.items() for ending in ENDINGS]


def stale() -> list[str]:
    """The files that are not what their proto says."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = {name: (Path(folder) / name).read_bytes() for name in files()}
    return [name for name, made in fresh.items() if not (ROOT / name).exists() or (ROOT / name).read_bytes() != made]


def main(arguments: list[str]) -> None:
    if "--check" not in arguments:
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder))
            for name in files():
                shutil.copy(Path(folder) / name, ROOT / name)
    elif names := stale():
        raise SystemExit(f"{', '.join(names)}: not what the proto says. Run: python -m assistant.engine.protoc")


if __name__ == "__main__":
    main(sys.argv[1:])
