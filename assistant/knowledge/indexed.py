"""The vectors of articles follow the articles: a worker makes what is missing, and takes away what nothing says any more.

Owns that comparison. Works on the tenant in scope and on no other.
"""

from __future__ import annotations

import hashlib

from django.db.models import Count, Max

from assistant.knowledge.passages import texts_of
from assistant.models import KnowledgeEntry, Vector, VectorLane
from assistant.vectors import texts
from assistant.vectors.lanes import BATCH, kept
from assistant.vectors.rows import Text, digest_of, vectors_forget, vectors_keep
from tenants.storage.batches import More


def articles_go_on(lane: VectorLane, more: More) -> int:
    """A step of a lane (assistant/vectors/lanes.py): how many vectors were made."""
    stamp = articles_stamp()
    if lane.articles == stamp:
        return 0
    wanted = {
        (entry.id, part): text
        for entry in KnowledgeEntry.objects.filter(enabled=True).order_by("id")
        for part, text in texts_of(entry.title, entry.questions, entry.answer).items()
    }
    there = Vector.objects.filter(model=texts.MODEL, kind=Vector.Kind.ARTICLE)
    right, wrong = set(), []
    for row_id, ref_id, part, digest, stored in there.values_list("id", "ref_id", "part", "digest", "stored"):
        text = wanted.get((ref_id, part))
        if text is not None and stored and digest == digest_of(text):
            right.add((ref_id, part))
        else:
            wrong.append(row_id)
    for first in range(0, len(wrong), BATCH):
        vectors_forget(Vector.objects.filter(id__in=wrong[first : first + BATCH]))
    missing = [Text(ref_id, text, part) for (ref_id, part), text in wanted.items() if (ref_id, part) not in right]
    count = 0
    for first in range(0, len(missing), BATCH):
        if not more():
            return count
        count += vectors_keep(Vector.Kind.ARTICLE, missing[first : first + BATCH])
        if not kept(lane):
            return count
    kept(lane, articles=stamp)
    return count


def articles_stamp() -> str:
    """Another one after every change of an article: two processes see the same."""
    seen = KnowledgeEntry.objects.aggregate(count=Count("id"), last=Max("updated_at"))
    return hashlib.sha256(f"{seen['count']} {seen['last']}".encode()).hexdigest()
