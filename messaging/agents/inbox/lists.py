"""The lists of the inbox: which conversations each shows, in which order, page by page, and how many there are.

Owns views and filters. Each page is a walk of an index (conversations/models.py) from the place of a cursor; a view whose
order has two parts is two such walks, one behind the other. How rows are shown: messaging/agents/inbox/rows.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from django.core import signing
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from pydantic import BaseModel, ConfigDict, Field

from conversations.models import Conversation
from messaging.agents.inbox.found import conversations_found
from messaging.models import Delivery
from tenants.errors import Invalid
from tenants.models import User
from tenants.scope import current_tenant_id
from tenants.storage.db import now
from tenants.storage.looking import among

View = Literal["waiting", "mine", "colleagues", "bot", "snoozed", "mentions", "closed"]
VIEWS: tuple[View, ...] = get_args(View)
COUNTED: tuple[View, ...] = ("waiting", "mine", "colleagues", "bot", "snoozed", "mentions")
COUNT_MOST = 1_000  # a count goes no further: "more than 999"
FAILED_MOST = 2_000  # conversations with a failed message, the latest, that the filter looks at
WITH = ("channel", "assignee", "team")
Holder, Owner = Conversation.Holder, Conversation.Owner


class Filter(BaseModel):
    """What a list is limited to."""

    model_config = ConfigDict(extra="forbid")

    channel: str | None = Field(None, max_length=20, description="A kind of channel")
    channel_id: uuid.UUID | None = None
    label: uuid.UUID | None = None
    team: uuid.UUID | None = None
    priority: Literal["low", "normal", "high", "urgent"] | None = None
    failed: bool | None = Field(None, description="true: those with a message that could not be delivered")
    search: str | None = Field(
        None, min_length=1, max_length=200,
        description="Words of messages, or a part of name, phone, e-mail or identity: the newest that fit, of any view",
    )  # fmt: skip


@dataclass(frozen=True)
class Walk:
    """A part of a view. ``order``: columns or names of PLACES that hold no NULL within ``rows``, ``-`` before all of them
    or none."""

    rows: Q
    order: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """What a view shows: ``rows`` that belong to it at all, and the walks that they are listed by, one behind the other.
    The condition of an index has to stand in ``rows`` by itself, or no engine takes that index."""

    rows: Q
    walks: tuple[Walk, ...]


#: places that are computed, so that the few rows of a view are put in order, and no engine walks all that a tenant has
PLACES: Mapping[str, Coalesce] = {
    "since": Coalesce("waiting_since", "created_at"),
    "latest": Coalesce("last_message_at", "created_at"),
}
LATEST = ("-latest", "-id")
TALKED, TALKED_LAST = Q(last_message_at__isnull=False), ("-last_message_at", "-id")


def _awake(at: datetime) -> Q:
    return Q(snoozed_until=None) | Q(snoozed_until__lte=at)


def _waiting(viewer: uuid.UUID | None, at: datetime) -> Shown:
    """A human is asked for, and none has come: by urgency, then who waits longest; behind them those of whom either is not
    known."""
    timed = Walk(Q(rank__isnull=False, waiting_since__isnull=False), ("rank", "waiting_since", "id"))
    others = Walk(Q(rank=None) | Q(waiting_since=None), ("since", "id"))
    return Shown(Q(is_open=True, held_by=Holder.QUEUE) & _awake(at), (timed, others))


def _mine(viewer: uuid.UUID | None, at: datetime) -> Shown:
    """Those that wait for me, the longest first; then the others, the latest first."""
    wait = Walk(Q(waiting_since__isnull=False), ("since", "id"))
    return Shown(Q(is_open=True, assignee=viewer) & _awake(at), (wait, Walk(Q(waiting_since=None), LATEST)))


def _colleagues(viewer: uuid.UUID | None, at: datetime) -> Shown:
    rows = Q(is_open=True, control_owner=Owner.HUMAN, held_by__in=(Holder.STAFF, Holder.OUTSIDE)) & _awake(at)
    others = Q(assignee=None) | ~Q(assignee=viewer) if viewer else Q()
    return Shown(rows & others & TALKED, (Walk(Q(), TALKED_LAST),))


def _bot(viewer: uuid.UUID | None, at: datetime) -> Shown:
    return Shown(Q(is_open=True, control_owner=Owner.BOT) & TALKED, (Walk(Q(), TALKED_LAST),))


def _snoozed(viewer: uuid.UUID | None, at: datetime) -> Shown:
    """Everybody's: what comes back first stands first. What the bot answers is not put off."""
    return Shown(
        Q(is_open=True, control_owner=Owner.HUMAN, snoozed_until__gt=at), (Walk(Q(), ("snoozed_until", "id")),)
    )


def _mentions(viewer: uuid.UUID | None, at: datetime) -> Shown:
    """In which a colleague has named me, and I have not looked since."""
    return Shown(Q(mentions__user=viewer, mentions__seen_at=None), (Walk(Q(), LATEST),))


def _closed(viewer: uuid.UUID | None, at: datetime) -> Shown:
    return Shown(Q(is_open=False, ended_at__isnull=False), (Walk(Q(), ("-ended_at", "-id")),))


SHOWN: Mapping[str, Callable[[uuid.UUID | None, datetime], Shown]] = {
    "waiting": _waiting, "mine": _mine, "colleagues": _colleagues, "bot": _bot, "snoozed": _snoozed,
    "mentions": _mentions, "closed": _closed,
}  # fmt: skip
PERSONAL: tuple[View, ...] = ("mine", "mentions")  # views of one member of staff; without a name they hold nothing


def held_by_view(view: View, viewer: uuid.UUID | None) -> Q:
    """What belongs to a view at this moment, as a condition on conversations: for counts and lists elsewhere."""
    return Q(kind="chat") & SHOWN[view](viewer, now()).rows


@dataclass(frozen=True)
class Page:
    """``cursor``: of the page behind it; "" at the end."""

    rows: list[Conversation]
    cursor: str = ""


def inbox_page(
    view: View, viewer: User | None, wanted: Filter, *, size: int, cursor: str = "", words: bool = True
) -> Page:
    """The conversations of a view after ``cursor``, as ``viewer`` sees them (None: an integrator's desk). ``words``:
    whether they may read messages, and so search them. Two statements, and two more where the first part of a view is
    at its end; two for a filter. Raises Invalid ``invalid_cursor``."""
    if wanted.search:
        found = among(_rows(wanted), Q(id__in=conversations_found(wanted.search, words=words)))
        return Page(list(found.order_by("-last_message_at", "-id")[:size]))
    if view in PERSONAL and viewer is None:
        return Page([])
    shown = SHOWN[view](viewer.id if viewer else None, now())
    walks = shown.walks
    at, place = _place_of(cursor, view) if cursor else (0, None)
    if at >= len(walks):
        raise Invalid("The cursor is not one of ours.", code="invalid_cursor")
    rows, parts = _rows(wanted).filter(shown.rows), []
    page: list[Conversation] = []
    for index in range(at, len(walks)):
        walk, after = walks[index], place if index == at else None
        some = rows.annotate(**_places(walk)).filter(walk.rows & (_after(walk, after) if after else Q()))
        new = list(some.order_by(*walk.order)[: size + 1 - len(page)])
        page += new
        parts += [index] * len(new)
        if len(page) > size:
            return Page(page[:size], _cursor(view, parts[size - 1], walks, page[size - 1]))
    return Page(page)


def inbox_counts(viewer: User | None, wanted: Filter, views: Sequence[View] = COUNTED) -> dict[str, int]:
    """How many conversations each view has, none more than COUNT_MOST. A statement for each view."""
    at = now()
    rows = _rows(wanted.model_copy(update={"search": None}), related=False).order_by()
    return {view: _count(rows, view, viewer, at) for view in views}


def _count(rows: QuerySet[Conversation], view: View, viewer: User | None, at: datetime) -> int:
    if view in PERSONAL and viewer is None:
        return 0
    meant = SHOWN[view](viewer.id if viewer else None, at).rows
    return len(rows.filter(meant).values_list("id", flat=True)[:COUNT_MOST])


def _rows(wanted: Filter, *, related: bool = True) -> QuerySet[Conversation]:
    rows = Conversation.objects.filter(kind="chat")
    # contacts by their ids: no engine comes to read all that there are beside a page
    rows = rows.select_related(*WITH).prefetch_related("contact") if related else rows
    if wanted.channel:
        rows = rows.filter(channel__kind=wanted.channel)
    if wanted.channel_id:
        rows = rows.filter(channel=wanted.channel_id)
    if wanted.label:
        rows = rows.filter(labelled__label=wanted.label)
    if wanted.team:
        rows = rows.filter(team=wanted.team)
    if wanted.priority:
        rows = rows.filter(priority=wanted.priority)
    if wanted.failed:
        rows = rows.filter(id__in=_failed())
    return rows


def _failed() -> list[uuid.UUID]:
    dead = Delivery.objects.filter(dead_at__isnull=False).order_by("-dead_at")
    return list(dict.fromkeys(dead.values_list("conversation_id", flat=True)[:FAILED_MOST]))


# ------------------------------------------------------------------------------ cursors


def _places(walk: Walk) -> dict[str, Coalesce]:
    return {name: place for name, place in PLACES.items() if name in {column.lstrip("-") for column in walk.order}}


def _after(walk: Walk, place: Sequence[Any]) -> Q:
    """Behind a row that has these values: (a, b, c) > (x, y, z), in a form that every engine reads by its index."""
    columns = [name.lstrip("-") for name in walk.order]
    beyond = "lt" if walk.order[0].startswith("-") else "gt"
    values = [_field(name).to_python(value) for name, value in zip(columns, place, strict=True)]
    behind = Q()
    for index, name in enumerate(columns):
        same = dict(zip(columns[:index], values, strict=False))
        behind |= Q(**same, **{f"{name}__{beyond}": values[index]})
    return behind & Q(**{f"{columns[0]}__{beyond}e": values[0]})  # where the walk of the index begins


def _field(name: str) -> Any:
    return Conversation._meta.get_field("created_at" if name in PLACES else name)


def _cursor(view: View, index: int, walks: Sequence[Walk], row: Conversation) -> str:
    values = [getattr(row, name.lstrip("-")) for name in walks[index].order]
    place = [value.isoformat() if isinstance(value, datetime) else _plain(value) for value in values]
    return signing.dumps([view, index, place, str(current_tenant_id())], salt="inbox")


def _plain(value: Any) -> Any:
    return value if isinstance(value, int) else str(value)


def _place_of(cursor: str, view: View) -> tuple[int, list[Any]]:
    try:
        of, index, place, owner = signing.loads(cursor, salt="inbox")
        if (of, owner) != (view, str(current_tenant_id())):
            raise ValueError("of another list")
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise Invalid("The cursor is not one of ours.", code="invalid_cursor") from error
    return index, place
