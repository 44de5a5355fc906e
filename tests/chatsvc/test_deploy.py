"""The files of a deployment fit their schemas, and name only processes that the image can run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from django.core.management import get_commands, load_command_class

from chatsvc.env import VARIABLES
from chatsvc.processes.together import CLOCK, USUAL
from chatsvc.settings import CELERY
from tests.chaos.servers import wait_until
from tests.migrated import migrated_copy

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "deploy" / "k8s"
ROLES = {
    "web",
    "ws",
    "worker",
    "workers",
    "beat",
    "consumer",
    "topics",
    "migrate",
    "engine",
    "engine-port",
    "security-hub",
}


# in C, where the wheel has it: the one in Python takes half a second of every process of the tests
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
read, read_all = partial(yaml.load, Loader=LOADER), partial(yaml.load_all, Loader=LOADER)


def documents() -> list[Any]:
    files = sorted(file for file in K8S.rglob("*.yaml") if file.name != "kustomization.yaml")
    return [
        pytest.param(document, id=f"{file.stem}-{document['kind']}-{document['metadata']['name']}")
        for file in files
        for document in read_all(file.read_text())
    ]


def compose() -> dict[str, Any]:
    return read((ROOT / "docker-compose.yml").read_text())


def pods() -> list[dict[str, Any]]:
    found = [parameter.values[0] for parameter in documents()]
    return [one["spec"]["template"]["spec"] for one in found if one["kind"] in ("Deployment", "Job")]


def commands() -> list[list[str]]:
    """What every process of both deployments is told, role first."""
    in_compose = [one["command"] for one in compose()["services"].values() if one.get("image") == "chatsvc:latest"]
    in_k8s = [container["args"] for pod in pods() for container in pod["containers"]]
    return sorted({tuple(command): list(command) for command in [*in_compose, *in_k8s]}.values())


def parse(command: str, arguments: list[str]) -> None:
    """Raises CommandError when the manage.py command does not take these arguments."""
    if command:
        load_command_class(get_commands()[command], command).create_parser("", command).parse_args(arguments)


@pytest.mark.parametrize("document", documents())
def test_kubernetes_takes_it(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, "1.31", strict=True)


def test_compose_takes_it() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, "docker-compose.yml"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("folder", "by_hand"), [(K8S, {"secrets.example.yaml"}), (K8S / "optional", set())], ids=["k8s", "optional"]
)
def test_kustomization_names_every_file_but_what_is_applied_by_hand(folder: Path, by_hand: set[str]) -> None:
    named = read((folder / "kustomization.yaml").read_text())["resources"]
    there = {file.name for file in folder.glob("*.yaml")}
    assert there - set(named) == {"kustomization.yaml", *by_hand}


def test_one_place_says_which_image_is_run_and_it_can_be_gone_back_to() -> None:
    component = read((K8S / "image" / "kustomization.yaml").read_text())
    (image,) = component["images"]
    assert image["newTag"] not in ("", "latest")
    assert {container["image"] for pod in pods() for container in pod["containers"]} == {image["name"]}
    for folder, way in ((K8S, "image"), (K8S / "migrate", "../image"), (K8S / "optional", "../image")):
        assert read((folder / "kustomization.yaml").read_text())["components"][-1] == way  # of all before it


def waits() -> dict[str, Any]:
    """What kustomize adds to every Deployment."""
    (patch,) = read((K8S / "migrated" / "kustomization.yaml").read_text())["patches"]
    assert patch["target"] == {"kind": "Deployment"}
    added: dict[str, Any] = read(patch["patch"])["spec"]["template"]["spec"]
    return added


@pytest.mark.parametrize(
    ("folder", "way"), [(K8S, "migrated"), (K8S / "optional", "../migrated")], ids=["k8s", "optional"]
)
def test_what_serves_is_rolled_out_behind_the_migration_and_beside_the_release_before(folder: Path, way: str) -> None:
    """Whatever is applied first: a new pod waits for its migrations, and no old one goes before it is ready (OPS-11)."""
    made = read((folder / "kustomization.yaml").read_text())
    assert way in made["components"]
    found = [one for name in made["resources"] for one in read_all((folder / name).read_text())]
    assert {one["kind"] for one in found}.isdisjoint({"Job", "Pod", "StatefulSet", "DaemonSet", "CronJob"})
    deployments = [one for one in found if one["kind"] == "Deployment"]
    assert deployments
    for one in deployments:
        assert one["spec"]["strategy"] == {
            "type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
        }  # fmt: skip
        pod = one["spec"]["template"]["spec"]
        assert {"name": "tmp", "mountPath": "/tmp"} in pod["containers"][0]["volumeMounts"]
        one["spec"]["template"]["spec"] = {**pod, **waits()}
        kubernetes_validate.validate(one, "1.31", strict=True)


def test_what_migrates_waits_for_no_migration() -> None:
    made = read((K8S / "migrate" / "kustomization.yaml").read_text())
    assert made["components"] == ["../image"]
    (first, *_) = read_all((K8S / "migrate" / "migrate.yaml").read_text())
    assert (first["kind"], first["spec"]["template"]["spec"]["containers"][0]["args"]) == ("Job", ["migrate"])


def test_the_wait_ends_with_the_migration(tmp_path: Path) -> None:
    """The init container's own words, by the image's entry: beside a database without tables, then with them."""
    (wait,) = waits()["initContainers"]
    database, looks = tmp_path / "chatsvc.sqlite3", tmp_path / "looks"
    (tmp_path / "python").write_text(
        f'#!/bin/sh\n"{sys.executable}" "$@"; code=$?; echo $code >> "{looks}"; exit $code\n'
    )
    (tmp_path / "python").chmod(0o755)
    environ = {
        "PATH": f"{tmp_path}:/usr/bin:/bin", "ENVIRONMENT": "test", "DATABASE_URL": f"sqlite:///{database}",
        "LOG_LEVEL": "WARNING",
    }  # fmt: skip
    with subprocess.Popen([ROOT / "deploy" / "run", *wait["args"]], cwd=ROOT, env=environ) as waiting:
        wait_until(lambda: looks.exists() and looks.read_text() != "", 120, "it has looked once")
        assert (looks.read_text().split()[0], waiting.poll()) == ("1", None)
        migrated_copy(tmp_path / "made.sqlite3")
        for beside in tmp_path.glob("chatsvc.sqlite3-*"):
            beside.unlink()
        (tmp_path / "made.sqlite3").replace(database)
        assert waiting.wait(120) == 0
    assert looks.read_text().split()[-1] == "0"


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl renders manifests")
@pytest.mark.parametrize(("folder", "waiting"), [("", 9), ("optional", 2), ("migrate", 0)])
def test_kustomize_makes_of_it_what_it_says(folder: str, waiting: int) -> None:
    made = subprocess.run(["kubectl", "kustomize", K8S / folder], capture_output=True, text=True, check=True).stdout
    found = [one["spec"]["template"]["spec"] for one in read_all(made) if "template" in one.get("spec", {})]
    first = [pod["initContainers"] for pod in found if "initContainers" in pod]
    assert (len(first), len(found) - len(first)) == (waiting, 0 if waiting else 2)
    containers = [one for pod in found for one in [*pod.get("initContainers", []), *pod["containers"]]]
    (image,) = read((K8S / "image" / "kustomization.yaml").read_text())["images"]
    assert {one["image"] for one in containers} == {f"{image['newName']}:{image['newTag']}"}


def test_applying_the_manifests_again_leaves_the_number_of_pods_to_the_autoscaler() -> None:
    found = [parameter.values[0] for parameter in documents()]
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in found if one["kind"] == "HorizontalPodAutoscaler"}
    deployments = {one["metadata"]["name"]: one["spec"] for one in found if one["kind"] == "Deployment"}
    assert {"web", "ws", "inbound", "respond", "deliver", "events", "engine", "engine-port", "security-hub"} <= scaled
    assert {name for name, spec in deployments.items() if "replicas" in spec} == set(deployments) - scaled


def test_every_process_is_one_the_image_has() -> None:
    script = (ROOT / "deploy" / "run").read_text()
    assert set(re.findall(r"^([a-z-]+)\)", script, re.M)) == ROLES
    in_compose = [one["command"] for one in compose()["services"].values() if one.get("image") == "chatsvc:latest"]
    in_k8s = [container["args"] for pod in pods() for container in pod["containers"]]
    assert {command[0] for command in in_compose} == ROLES - {"worker", "beat"}  # `workers` are these, of one machine
    assert {command[0] for command in in_k8s} == ROLES - {"workers"}


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_a_process_understands_what_it_is_told(command: list[str]) -> None:
    role, *arguments = command
    script = (ROOT / "deploy" / "run").read_text()
    branch = script.partition(f"\n{role})\n")[2].partition(";;")[0]
    managed = re.search(r"manage\.py (\w+)", branch)
    parse(managed.group(1) if managed else "", arguments)


@pytest.mark.parametrize("role", sorted(ROLES - {"web", "workers"}))
def test_only_web_counts_in_the_directory_of_web(role: str, tmp_path: Path) -> None:
    """A variable that stands in the image or the shell must not keep a process from starting."""
    (tmp_path / "python").write_text("#!/bin/sh\nenv\n")
    (tmp_path / "celery").write_text("#!/bin/sh\nenv\n")
    for stand_in in tmp_path.iterdir():
        stand_in.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PROMETHEUS_MULTIPROC_DIR": "/nowhere"}
    done = subprocess.run([ROOT / "deploy" / "run", role], env=environ, capture_output=True, text=True, check=True)
    assert "PATH=" in done.stdout
    assert "PROMETHEUS" not in done.stdout


def test_workers_count_in_a_directory_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("#!/bin/sh\nenv\n")
    (tmp_path / "python").chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PROMETHEUS_MULTIPROC_DIR": "/nowhere", "TMPDIR": str(tmp_path)}
    done = subprocess.run([ROOT / "deploy" / "run", "workers"], env=environ, capture_output=True, text=True, check=True)
    (where,) = re.findall(r"^PROMETHEUS_MULTIPROC_DIR=(.*)$", done.stdout, re.M)
    assert (Path(where).parent, list(Path(where).iterdir())) == (tmp_path, [])


@pytest.mark.parametrize(
    ("given", "port"),
    [({}, "8001"), ({"SERVICE_PORT": "9001"}, "9001"), ({"SERVICE_PORT": "9001", "PORT": "9002"}, "9002")],
    ids=["neither", "the other name", "both"],
)
@pytest.mark.parametrize(("role", "program"), [("web", "granian"), ("ws", "python")])
def test_the_port_has_two_names_in_the_image_too(role, program, given, port, tmp_path: Path) -> None:
    for name in ("python", program):
        (tmp_path / name).write_text('#!/bin/sh\necho "$@"\n')
        (tmp_path / name).chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "counters"), **given}
    done = subprocess.run([ROOT / "deploy" / "run", role], env=environ, capture_output=True, text=True, check=True)
    assert f"--port {port} " in f"{done.stdout.strip()} "


@pytest.mark.parametrize("given", ["HOST=chat.example.com", "PORT=99999", "LOG_LEVEL=loud"])
def test_the_web_process_says_what_is_wrong_before_it_starts(given: str, tmp_path: Path) -> None:
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "python").chmod(0o755)
    name, _, value = given.partition("=")
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), name: value}
    done = subprocess.run([ROOT / "deploy" / "run", "web"], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith(f"  {name}=")]
    assert "Traceback" not in done.stderr


def test_every_queue_has_a_worker() -> None:
    queues = {route["queue"] for route in CELERY["task_routes"].values()} | {CELERY["task_default_queue"]}
    in_compose = [one["command"] for one in compose()["services"].values() if one.get("image") == "chatsvc:latest"]
    in_k8s = [container["args"] for pod in pods() for container in pod["containers"]]
    for commands in (in_compose, in_k8s):
        named = [command[1] for command in commands if command[0] == "worker"]
        named += [
            one for command in commands if command[0] == "workers" for one in command[1:] or USUAL if one != CLOCK
        ]
        served = [queue for one in named for queue in one.split(",")]
        assert sorted(served) == sorted(queues)


def test_every_variable_that_is_set_is_one_we_read() -> None:
    config = read((K8S / "config.yaml").read_text())["data"]
    secret = read((K8S / "secrets.example.yaml").read_text())["stringData"]
    in_compose = {
        name
        for one in compose()["services"].values()
        if one.get("image") == "chatsvc:latest"
        for name in one["environment"]
    }
    assert {*config, *secret, *in_compose} - set(VARIABLES) == set()
    needed = {name for name, variable in VARIABLES.items() if variable.needed_in_production}
    assert needed - {*config, *secret} == set()


def test_what_a_profile_starts_can_be_chosen_and_is_found() -> None:
    """`--profile qdrant` started a store that no process was told of: VECTOR_STORE stopped at the shell."""
    services = compose()["services"]
    [told] = {tuple(one["environment"].items()) for one in services.values() if one.get("image") == "chatsvc:latest"}
    for name in ("DATABASE_URL", "CLAMAV_URL", "VECTOR_STORE", "QDRANT_API_KEY"):
        assert dict(told)[name].startswith(f"${{{name}:-")
    assert (dict(told)["QDRANT_URL"], "qdrant" in services) == ("${QDRANT_URL:-http://qdrant:6333}", True)


def test_no_pod_runs_as_root_or_writes_into_its_image() -> None:
    assert len(pods()) > len(ROLES)
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["runAsGroup"] == 10001
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert {"memory", "ephemeral-storage"} <= set(container["resources"]["limits"])


def test_the_image_is_not_roots() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    last_stage = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM")) :]
    assert "USER 10001:10001" in last_stage
    assert json.loads(next(line for line in last_stage if line.startswith("ENTRYPOINT"))[11:]) == ["deploy/run"]
