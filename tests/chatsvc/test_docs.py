"""What the documentation tells people to type is taken: commands exist, with the options that are named (OPS-2)."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/channels").glob("*.md")]
TYPED = sorted({line for page in PAGES for line in re.findall(r"manage\.py ([a-z_]+[^`\n]*)`", page.read_text())})


def test_there_is_something_to_check():
    assert len(TYPED) > 15


@pytest.mark.parametrize("line", TYPED)
def test_a_command_that_is_named_is_there(line):
    assert line.split()[0] in get_commands()


@pytest.mark.parametrize("line", [line for line in TYPED if " " in line and "[" not in line])
def test_a_line_to_be_typed_is_taken(line):
    name, *arguments = shlex.split(line)
    command = load_command_class(get_commands()[name], name)
    command.create_parser("manage.py", name).parse_args(arguments)


def test_what_a_page_says_is_logged_stands_in_the_list_of_events():
    listed = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    told = [name for page in PAGES for name in re.findall(r"logged \(`(\w+)`\)", page.read_text())]
    assert len(told) > 1
    assert [name for name in told if name not in listed] == []
