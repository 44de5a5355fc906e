"""A MongoDB database as files, in the layout of mongodump, and back: for places that have no mongodump.

Owns reading at one moment and writing into an empty database. Must not know what the collections mean.
https://www.mongodb.com/docs/database-tools/mongodump/
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

FOLDER = "dump"
AT_ONCE = 1000  # documents of one insert


class NotEmpty(Exception):
    """The database has collections already; a backup is put into an empty one."""


def dump(url: str, name: str, into: Path) -> None:
    """Write every collection with its indexes below ``into``, all as they were at one moment: the server keeps it for five
    minutes (``minSnapshotHistoryWindowInSeconds``). Raises OSError, and what pymongo raises, also when that was too short."""
    from bson import json_util

    folder = into / FOLDER / name
    folder.mkdir(parents=True)
    with _database(url, name) as database, database.client.start_session(snapshot=True) as session:
        for found in database.list_collections(
            filter={"type": "collection", "name": {"$not": {"$regex": "^system\\."}}}
        ):
            collection = database.get_collection(found["name"], codec_options=_raw())
            with (folder / f"{found['name']}.bson").open("wb") as file:
                for document in collection.find({}, session=session):
                    file.write(document.raw)
            about = {
                "indexes": list(database[found["name"]].list_indexes()),
                "options": found.get("options", {}),
                "collectionName": found["name"],
                "type": "collection",
            }
            text = json_util.dumps(about, json_options=json_util.CANONICAL_JSON_OPTIONS)
            (folder / f"{found['name']}.metadata.json").write_text(text)


def load(url: str, name: str, source: Path) -> int:
    """Put what `dump` wrote, or mongodump, into the empty database ``name``; how many documents. What it was called before
    is of no matter. Raises NotEmpty, FileNotFoundError when ``source`` is no such backup, OSError, and what pymongo raises."""
    folders = [path for path in (source / FOLDER).iterdir() if any(path.glob("*.metadata.json"))]
    if len(folders) != 1:
        raise FileNotFoundError(f"{source / FOLDER} holds {len(folders)} databases instead of one.")
    with _database(url, name) as database:
        if database.list_collection_names():
            raise NotEmpty(f"The database {name} is not empty.")
        return sum(_collection_load(database, file) for file in sorted(folders[0].glob("*.metadata.json")))


def _collection_load(database: Any, described: Path) -> int:
    from bson import decode_file_iter, json_util

    about = json_util.loads(described.read_text())
    collection = database.create_collection(about["collectionName"], **about["options"])
    count = 0
    with described.with_name(described.name.replace(".metadata.json", ".bson")).open("rb") as file:
        documents = decode_file_iter(file, _raw())
        while batch := list(islice(documents, AT_ONCE)):
            collection.insert_many(batch)
            count += len(batch)
    indexes = [index for index in about["indexes"] if index["name"] != "_id_"]
    if indexes:
        database.command("createIndexes", about["collectionName"], indexes=indexes)
    return count


@contextmanager
def _database(url: str, name: str) -> Iterator[Any]:
    import pymongo

    with pymongo.MongoClient(url) as client:  # type: ignore[var-annotated]
        yield client[name]


def _raw() -> Any:
    """Documents as the server has them, byte by byte."""
    from bson.codec_options import CodecOptions
    from bson.raw_bson import RawBSONDocument

    return CodecOptions(document_class=RawBSONDocument)
