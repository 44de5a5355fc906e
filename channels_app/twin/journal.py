"""What was sent through the twin and said by its people, in order.

Owns ids and repeats; with a file each line is written at once, so that the record survives a restart
of the twin. Must not know any platform.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Journal:
    """Entries have ``direction`` out (sent by the service) or in (said by a person), ``platform``,
    ``id``, ``person``, ``client_ref``, ``body``, ``at``, ``repeat_of``: the id of the first
    message with the same reference, "" for a first one; and ``changed``, once it was: edited or deleted."""

    def __init__(self, path: str | Path | None = None) -> None:
        self._lock = threading.Lock()
        self._path = Path(path) if path else None
        self._entries: list[Entry] = []
        self._first: dict[tuple[str, str], str] = {}
        if self._path and self._path.exists():
            self._load(self._path)

    def send(self, platform: str, message_id: str, person: str, body: Any, client_ref: str, dedupe: bool) -> Entry:
        """Record a message of the service. With ``dedupe`` a repeat keeps the first one's id and is
        not delivered; without, it is a message of its own, as on the real platform."""
        with self._lock:
            first = self._first.get((platform, client_ref), "") if client_ref else ""
            return self._write(
                {
                    "direction": "out",
                    "platform": platform,
                    "id": first if first and dedupe else message_id,
                    "person": person,
                    "client_ref": client_ref,
                    "body": body,
                    "at": time.time(),
                    "repeat_of": first,
                }
            )

    def say(self, platform: str, message_id: str, person: str, body: Any) -> Entry:
        """Record what a person said."""
        with self._lock:
            return self._write(
                {
                    "direction": "in",
                    "platform": platform,
                    "id": message_id,
                    "person": person,
                    "client_ref": "",
                    "body": body,
                    "at": time.time(),
                    "repeat_of": "",
                }
            )

    def find(self, platform: str, message_id: str) -> Entry | None:
        """What the service sent by this id, unless it has been deleted."""
        with self._lock:
            return self._find(platform, message_id)

    def change(self, platform: str, message_id: str, body: Any) -> None:
        """A message that was found is ``body`` from now on; None: it is gone, its place stays."""
        with self._lock:
            line = {"direction": "change", "platform": platform, "id": message_id, "body": body}
            if self._path:
                self._append(self._path, line)
            self._alter(line)

    def entries(self) -> list[Entry]:
        with self._lock:
            return list(self._entries)

    def sent(self) -> list[Entry]:
        """What people received, in order: repeats that were recognised are not among it."""
        return [entry for entry in self.entries() if entry["direction"] == "out" and entry["id"] != entry["repeat_of"]]

    def repeats(self) -> list[Entry]:
        """Every send with a reference that had been sent before, recognised or not."""
        return [entry for entry in self.entries() if entry["repeat_of"]]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._first.clear()
            if self._path:
                self._path.write_text("")

    def _find(self, platform: str, message_id: str) -> Entry | None:
        own = (one for one in self._entries if one["direction"] == "out" and one.get("changed") != "deleted")
        return next((one for one in own if (one["platform"], one["id"]) == (platform, message_id)), None)

    def _alter(self, line: Entry) -> None:
        if entry := self._find(line["platform"], line["id"]):
            gone = line["body"] is None
            entry |= {"changed": "deleted" if gone else "edited", "body": {} if gone else line["body"]}

    def _load(self, path: Path) -> None:
        lines = path.read_text().splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):  # the last writer was killed within the line
            path.write_text("".join(lines[:-1]))
        for line in lines:
            if line.endswith("\n"):
                entry = json.loads(line)
                self._alter(entry) if entry["direction"] == "change" else self._remember(entry)

    def _write(self, entry: Entry) -> Entry:
        if self._path:
            self._append(self._path, entry)
        self._remember(entry)
        return entry

    def _append(self, path: Path, line: Entry) -> None:
        with path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _remember(self, entry: Entry) -> None:
        self._entries.append(entry)
        if entry["client_ref"]:
            self._first.setdefault((entry["platform"], entry["client_ref"]), entry["id"])
