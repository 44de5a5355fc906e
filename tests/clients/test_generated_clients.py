"""Clients that generators make of the OpenAPI document: of all operations, compiled, and used against `serve` (API-4).

``make clients``. Each of ``use.*`` takes the same steps: send with a key twice, read, change a part, page, meet an error.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels_app.twin.server import Twin
from chatsvc.web.openapi.contract import METHODS
from tests.chaos.servers import free_port
from tests.chaos.service import ROOT, Process, answers, environment, running, set_up

pytestmark = pytest.mark.clients

HERE = Path(__file__).parent
NODE = ROOT / "tools" / "node_modules"
OAPI_CODEGEN = "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2"
OPENAPI_GENERATOR = "org.openapitools:openapi-generator-cli:7.24.0"


def run(*command: str | Path, at: Path, **environ: str) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=at, env={**os.environ, **environ}, capture_output=True, text=True, timeout=540,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def needed(program: str, how_to: str) -> None:
    """Skips the test, or fails it when REQUIRE_SERVICES=1."""
    if not shutil.which(program):
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") == "1" else pytest.skip)(how_to)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("openapi") / "openapi.json"
    run(ROOT / ".venv/bin/python", "manage.py", "spectacular", "--format", "openapi-json", "--file", path, at=ROOT)
    return path


@pytest.fixture(scope="module")
def ids(document: Path) -> list[str]:
    paths = json.loads(document.read_text())["paths"].values()
    return [item[method]["operationId"] for item in paths for method in METHODS if method in item]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of `serve` and an API key of its demo tenant."""
    here = tmp_path_factory.mktemp("serve")
    port = free_port()
    environ = environment(port, f"sqlite:///{here}/chatsvc.sqlite3", REDIS_URL="", ENABLE_RATE_LIMITING="false")
    with Twin().start() as twin:
        access = set_up(environ, twin)
        with running(Process(["manage.py", "serve"], environ, here / "serve.log", lambda: answers(port))):
            yield f"http://127.0.0.1:{port}", access["api_key"]


def test_python(document: Path, ids: list[str], service: tuple[str, str], tmp_path: Path) -> None:
    tools = ROOT / "var/clients/bin"
    made = tmp_path / "chatsvc_client"
    said = run(tools / "openapi-python-client", "generate", "--path", document, "--output-path", made, "--meta", "none",
               at=tmp_path, PATH=f"{tools}:{os.environ['PATH']}")  # fmt: skip
    assert "Warning" not in said
    assert sorted(path.stem for path in made.glob("api/*/[!_]*.py")) == sorted(ids)
    run(tools / "python", "-m", "compileall", "-q", made, at=tmp_path)
    assert run(tools / "python", HERE / "use.py", *service, at=tmp_path, PYTHONPATH=str(tmp_path)) == "done\n"


def test_typescript(document: Path, ids: list[str], service: tuple[str, str], tmp_path: Path) -> None:
    needed("node", "Node.js 20 is not installed. Try: apt-get install nodejs npm")
    types = tmp_path / "chatsvc.ts"
    run(NODE / ".bin/openapi-typescript", document, "-o", types, at=tmp_path)
    operations = types.read_text().partition("export interface operations {")[2]
    assert [name for name in ids if f"\n    {name}: {{" not in operations] == []
    (tmp_path / "node_modules").symlink_to(NODE)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(HERE / "use.ts", tmp_path)
    run(NODE / ".bin/tsc", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler",
        "--lib", "es2022,dom", "use.ts", at=tmp_path)  # fmt: skip
    assert run("node", "use.js", *service, at=tmp_path) == "done\n"


def test_go(document: Path, ids: list[str], service: tuple[str, str], tmp_path: Path) -> None:
    needed("go", "Go 1.24 is not installed: https://go.dev/dl/")
    shutil.copytree(HERE / "go", tmp_path, dirs_exist_ok=True)
    (tmp_path / "chatsvc").mkdir()
    run("go", "run", OAPI_CODEGEN, "-package", "chatsvc", "-generate", "types,client", "-o", "chatsvc/client.go", document,
        at=tmp_path)  # fmt: skip
    made = (tmp_path / "chatsvc/client.go").read_text()
    names = ["".join(word.capitalize() for word in name.split("_")) for name in ids]
    assert [
        name for name in names if f") {name}WithResponse(" not in made and f") {name}WithBodyWithResponse(" not in made
    ] == []
    run("go", "vet", "./...", at=tmp_path)
    run("go", "build", "-o", "use", ".", at=tmp_path)
    assert run(tmp_path / "use", *service, at=tmp_path) == "done\n"


def test_java(document: Path, ids: list[str], tmp_path: Path) -> None:
    needed("mvn", "Maven is not installed. Try: apt-get install maven openjdk-17-jdk-headless")
    needed("javac", "A Java compiler is not installed. Try: apt-get install openjdk-17-jdk-headless")
    run("mvn", "-q", "-B", "dependency:copy", f"-Dartifact={OPENAPI_GENERATOR}", "-DoutputDirectory=.",
        "-Dmdep.stripVersion=true", at=tmp_path)  # fmt: skip
    run("java", "-jar", "openapi-generator-cli.jar", "generate", "-i", document, "-g", "java", "--library", "native", "-o",
        "client", at=tmp_path)  # fmt: skip
    made = "".join(path.read_text() for path in (tmp_path / "client/src/main").rglob("*Api.java"))
    words = [name.split("_") for name in ids]
    names = [first + "".join(word.capitalize() for word in rest) for first, *rest in words]
    assert [name for name in names if f" {name}(" not in made] == []
    run("mvn", "-q", "-B", "-Dmaven.test.skip=true", "compile", at=tmp_path / "client")
