"""The command line as a person or a script types it: what no command of ours can use is refused before the command begins,
and a database that cannot be worked with is told in one line.

Must not know any command.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from django.core.management import CommandError, execute_from_command_line
from django.db import DatabaseError, connection

from chatsvc.management.refusal import Refused

ROOM = Path(__file__).parent / "commands"  # where commands of ours lie
REFUSED = 2  # exit status of a line that was not understood, as argparse's


def run(argv: Sequence[str]) -> None:
    """Do what the line says. Ends the process with a status that is not 0, and a line on stderr, where it cannot be done;
    with ``--json`` the error stands on stdout, too."""
    name, words = (argv[1] if len(argv) > 1 else ""), list(argv[2:])
    try:
        if complaint := _complaint(name, words):
            _end(*complaint, words, REFUSED)
        execute_from_command_line(list(argv))
    except CommandError as error:  # of the words themselves: those of a command that has begun are told by Django
        said = str(error).removeprefix("Error: ")
        _end("invalid_arguments", f"{said} (see `manage.py {name} --help`)", words, REFUSED)
    except DatabaseError as error:
        told = None if "--traceback" in words else _database(error)
        if told is None:
            raise
        _end(*told, words, 1)


def _complaint(name: str, words: Sequence[str]) -> tuple[str, str] | None:
    """(code, message). An empty value is a variable of a script that was not set: `--tenant ""` must not mean all tenants."""
    if not (ROOM / f"{name}.py").is_file():
        return None
    option = ""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            return "not_text", f"What is given{_of(option)} is no text in UTF-8."
        given_to, sign, value = word.partition("=")
        if not word.strip() or (word.startswith("--") and sign and not value):  # a value may end in that sign
            empty = given_to if word.startswith("--") else option
            return "empty_value", f"The value{_of(empty)} is empty: give one, or leave it out."
        option = word if word.startswith("--") else ""
    return None


def _of(option: str) -> str:
    return f" for {option.partition('=')[0]}" if option else ""


def _database(error: DatabaseError) -> tuple[str, str] | None:
    """What to tell of it; None where it is a fault of ours, whose traceback is wanted."""
    # Models are not there before the command has set Django up.
    from tenants.storage.db import server_lost, server_trouble

    lost = server_lost(error)  # it is not asked a second time: that takes as long again
    if not lost and (behind := migrations_missing()):
        return "database_behind", f"The database lacks {behind} migrations: run `manage.py migrate` first."
    if lost or server_trouble(error):
        return "database_away", "The database of DATABASE_URL does not answer, or is busy: nothing more was done."
    return None


def migrations_missing() -> int:
    """How many the database lacks; 0 where it does not say."""
    from django.db.migrations.executor import MigrationExecutor  # as above

    try:
        executor = MigrationExecutor(connection)
        return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError:
        return 0


def _end(code: str, message: str, words: Sequence[str], status: int) -> NoReturn:
    if "--json" in words:
        sys.stdout.write(Refused(message, code).to_json() + "\n")
    sys.stderr.write(f"{message} ({code})\n")
    sys.exit(status)
