"""Several documents brought in as articles: each for itself, with a report on each.

Owns the time that this may take. Must not know where the documents come from.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from assistant.knowledge.articles import articles_bring
from assistant.knowledge.documents import articles_of
from tenants.errors import ServiceError, TooMany

MOST_S = 25.0  # of a request; documents that are left then are refused
STATUSES = ("created", "updated", "unchanged", "refused")


@dataclass(frozen=True)
class Document:
    """``read`` gives its bytes, or raises ServiceError. ``language`` and ``url`` where it says neither itself."""

    name: str
    read: Callable[[], bytes]
    language: str = ""
    url: str = ""


@dataclass(frozen=True)
class Reported:
    """What became of an article of the document at ``index``, or of the document where it was refused: ``code`` says why."""

    index: int
    name: str
    status: str
    article_id: uuid.UUID | None = None
    code: str = ""
    message: str = ""


@dataclass
class Report:
    items: list[Reported] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many of each of STATUSES."""
        found = Counter(one.status for one in self.items)
        return {status: found[status] for status in STATUSES}


def documents_bring(documents: Iterable[Document], seconds: float = MOST_S) -> Report:
    """Into the tenant in scope; the same again changes nothing. Never raises ServiceError: the report has it. Who calls has the
    assistant forget what it remembers of the lessons."""
    report, until = Report(), time.monotonic() + seconds
    for index, document in enumerate(documents):
        try:
            if time.monotonic() >= until:
                raise TooMany(
                    "The documents before took all the time: send this one again by itself.", code="import_out_of_time"
                )
            found = articles_of(document.name, document.read(), language=document.language, url=document.url)
            done = articles_bring(found)
        except ServiceError as error:
            report.items.append(Reported(index, document.name, "refused", code=error.code, message=str(error.message)))
        else:
            report.items += [Reported(index, document.name, one.status, one.entry.id) for one in done]
    return report
