"""Articles are written, changed, brought in and found old. Owns the rules on their rows; what they are found by follows in
the background (indexed.py). Must not read files (documents.py)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q

from assistant.knowledge.documents import Article
from assistant.models import KnowledgeEntry
from tenants.errors import NotFound, Unprocessable
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, now, row_change
from tenants.tenant_settings import settings_for

MOST = 5_000  # of a tenant


@dataclass(frozen=True)
class Brought:
    """What became of one article: ``status`` is created, updated or unchanged."""

    status: str
    entry: KnowledgeEntry


def article_get(article_id: uuid.UUID) -> KnowledgeEntry:
    """Raises NotFound ``article_not_found``."""
    row: KnowledgeEntry | None = KnowledgeEntry.objects.filter(id=article_id).first()
    if row is None:
        raise NotFound("There is no such article.", code="article_not_found")
    return row


def article_create(facts: Mapping[str, Any]) -> KnowledgeEntry:
    """Raises Unprocessable ``too_many_articles``."""
    if KnowledgeEntry.objects.count() >= MOST:
        raise Unprocessable(f"A tenant has at most {MOST} articles.", code="too_many_articles")
    row: KnowledgeEntry = KnowledgeEntry.objects.create(tenant_id=current_tenant_id(), **facts)
    return row


def article_change(row: KnowledgeEntry, given: Mapping[str, Any]) -> None:
    """Who changes what it says has checked it. Raises NotFound."""
    checked = {"checked_at": now()} if given.get("answer", row.answer) != row.answer else {}
    if given:
        row_change(row, {**given, **checked})


def articles_bring(found: Sequence[Article]) -> list[Brought]:
    """Keep these, each by its address, or without one by its title: the same again changes nothing. Raises
    ``too_many_articles`` as `article_create`, and then none is kept."""
    with atomic():
        return [_bring(article) for article in found]


def _bring(article: Article) -> Brought:
    facts = article.facts()
    same = {"source_url": article.url} if article.url else {"title": article.title, "source_url": ""}
    row = KnowledgeEntry.objects.filter(**same, language=article.language).order_by("id").first()
    if row is None:
        return Brought("created", article_create(facts))
    changed = {name: value for name, value in facts.items() if getattr(row, name) != value}
    article_change(row, changed)
    return Brought("updated" if changed else "unchanged", row)


def unchecked(tenant_ids: Iterable[uuid.UUID]) -> Q:
    """Those of these tenants that staff have not checked for as long as each tenant's ``knowledge_days``."""
    by_days: dict[int, list[uuid.UUID]] = {}
    for tenant_id in tenant_ids:
        by_days.setdefault(settings_for(tenant_id).knowledge_days, []).append(tenant_id)
    found = Q(pk__in=[])
    for days, ids in by_days.items():  # a condition for each tenant would be deeper than SQLite takes
        if days:
            found |= Q(tenant_id__in=ids, enabled=True, checked_at__lt=now() - timedelta(days=days))
    return found
