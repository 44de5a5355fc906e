"""Converters run over strangers' files: in a child with limits, without a shell, a network or an environment (MSG-4)."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from channels_app.content.forms import FORMS, ladder_for
from channels_app.content.types import Capabilities
from messaging.media.convert import programs
from tenants.work import child
from tenants.work.child import NotConverted, run
from tests.chaos.servers import wait_until
from tests.messaging.media.recordings import heic, needs_ffmpeg, needs_heif, recording


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path)


def test_a_program_prints_from_its_folder_with_nothing_of_ours_in_its_environment(folder, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "ours")
    told = run(python("import json,os,sys; print(json.dumps([os.getcwd(), dict(os.environ), sys.stdin.read()]))"),
               folder=folder, seconds=10, most_bytes=10_000)  # fmt: skip
    where, environment, given = json.loads(told)
    assert (where, set(environment) - {"LC_CTYPE"}, given) == (folder, {"PATH", "LC_ALL"}, "")


BEYOND = {
    "memory": ("bytes(2 * 1024 ** 3)", "conversion_failed"),
    "size of what it writes": ("open('out', 'wb').write(bytes(20_000))", "conversion_failed"),
    "open files": ("[open('/dev/null') for _ in range(100)]", "conversion_failed"),
    "its own end": ("raise SystemExit(3)", "conversion_failed"),
}


@pytest.mark.parametrize(("code", "why"), BEYOND.values(), ids=BEYOND)
def test_what_goes_beyond_a_limit_is_ended(folder, code, why):
    with pytest.raises(NotConverted) as ended:
        run(python(code), folder=folder, seconds=10, most_bytes=10_000)
    assert ended.value.code == why


def test_what_takes_too_much_time_of_the_processor_is_told_so() -> None:
    """Where its time was over before the clock's it was killed without a word, and its file called damaged."""
    limits = [sys.executable, "-I", "-S", str(child.LIMITS), "1", "1000000", str(child.MEMORY)]
    ended = subprocess.run([*limits, sys.executable, "-I", "-S", "-c", "while True: pass"], check=False, timeout=60)
    assert ended.returncode == -signal.SIGXCPU


def test_what_takes_too_long_is_ended_with_all_it_has_started(folder):
    code = (
        "import os,subprocess,sys; child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE); "
    )
    code += "open('pid', 'w').write(str(child.pid)); child.wait()"
    with pytest.raises(NotConverted) as ended:
        run(python(code), folder=folder, seconds=1, most_bytes=10_000)
    started = Path(folder, "pid").read_text()
    assert ended.value.code == "conversion_too_long"
    wait_until(lambda: state_of(started) in "ZX", 10, "what was killed has ended, or waits for init to reap it")


def state_of(pid: str) -> str:
    """As /proc tells it; X where it tells nothing."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0]
    return "X"


def test_one_runs_at_a_time_and_who_waits_too_long_is_told(folder, monkeypatch):
    monkeypatch.setattr(child, "WAIT_S", 0)
    with child._running, pytest.raises(NotConverted) as busy:
        run(python("pass"), folder=folder, seconds=0, most_bytes=1)
    assert busy.value.code == "conversion_busy"


def test_an_input_that_names_other_files_reads_none(folder):
    """What a playlist names would be read by a program that guesses what it is given."""
    needs_ffmpeg()
    Path(folder, "secret.wav").write_bytes(recording("wav"))
    Path(folder, programs.IN).write_text("ffconcat version 1.0\nfile secret.wav\n")
    for mime in ("audio/mpeg", "audio/ogg", "audio/webm", "video/mp4"):
        with pytest.raises(NotConverted):
            programs.convert(folder, mime, FORMS["opus"], seconds=10, most_bytes=100_000)


def test_no_protocol_but_files_is_spoken(folder, files):
    needs_ffmpeg()
    command = [str(shutil.which("ffprobe")), *programs._reading("audio/mpeg"), f"{files.url}/a.mp3"]
    with pytest.raises(NotConverted):
        run(command, folder=folder, seconds=10, most_bytes=100_000)
    assert files.seen == []


def test_the_same_file_gives_the_same_bytes(folder):
    needs_ffmpeg()
    Path(folder, programs.IN).write_bytes(recording("webm film"))
    made = [
        programs.convert(folder, "video/webm", FORMS["mp4"], seconds=30, most_bytes=1 << 20).read_bytes()
        for _ in range(2)
    ]
    assert made[0] == made[1]


def test_a_photo_stands_upright_and_does_not_tell_where_it_was_taken(folder):
    needs_heif()
    import pillow_heif

    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a phone"
    photo = pillow_heif.from_pillow(Image.new("RGB", (60, 40), "red"))
    photo.save(str(Path(folder, programs.IN)), format="HEIF", exif=exif.tobytes())
    made = programs.convert(folder, "image/heic", FORMS["jpeg"], seconds=20, most_bytes=1 << 20)
    with Image.open(made) as shown:
        assert (shown.format, shown.size, dict(shown.getexif())) == ("JPEG", (40, 60), {})


def test_a_photo_of_too_many_pixels_is_not_decoded(folder, monkeypatch):
    needs_heif()
    monkeypatch.setattr(programs, "HEIF_PIXELS", 100)
    Path(folder, programs.IN).write_bytes(heic())
    with pytest.raises(NotConverted) as refused:
        programs.convert(folder, "image/heic", FORMS["jpeg"], seconds=20, most_bytes=1 << 20)
    assert refused.value.code == "conversion_failed"


def test_what_is_longer_than_an_hour_is_not_cut_but_refused(folder, monkeypatch):
    """Nothing a person said is cut without a sign."""
    needs_ffmpeg()
    Path(folder, programs.IN).write_bytes(recording("wav"))
    told = programs.recording(folder, "audio/wav")
    assert (told.seconds, told.codecs) == (1.0, {"pcm_s16le"})
    assert "-t" not in programs._command("audio/wav", FORMS["opus"])


CAPS = Capabilities(types={"audio"}, media_types={"audio/*": 100_000, "video/mp4": 500_000})


@pytest.mark.parametrize(
    ("mime", "seconds", "names"),
    [
        ("audio/wav", 1.0, ["opus", "m4a", "m4a-24", "mp3", "mp3-16"]),
        ("audio/wav", 20.0, ["opus", "m4a-24", "mp3-16"]),
        ("audio/wav", 1000.0, []),
        ("video/webm", 5.0, ["mp4-480", "mp4-240"]),
        ("image/png", 0.0, []),
        ("application/pdf", 0.0, []),
    ],
)
def test_what_becomes_too_large_is_not_tried(mime, seconds, names):
    assert [form.name for form in ladder_for(CAPS, mime, seconds)] == names
