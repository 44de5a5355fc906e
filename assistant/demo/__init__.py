"""What the demo tenant's assistant knows: Acorn Outdoor, a shop that does not exist, in five languages.

Owns how the languages become rows, and writing them. Must not be needed by anything but demos and tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.demo import english, everyday, french, german, portuguese, services, spanish
from assistant.intents.lessons import invalidate
from assistant.models import Intent, KnowledgeEntry
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import atomic

FURTHER = {"de": german, "es": spanish, "fr": french, "pt": portuguese}

#: what tells a row from others → its further members
Taught = Mapping[tuple[str, ...], dict[str, Any]]


def seed_assistant(tenant: Tenant) -> None:
    """Teach a tenant the demo's intents and knowledge. Doing it again restores what was changed and adds nothing."""
    with tenant_scope(tenant.id), atomic():
        _write(Intent, ("name",), tenant, {(name,): members for name, members in INTENTS.items()})
        _write(KnowledgeEntry, ("language", "title"), tenant, KNOWLEDGE)
    invalidate(tenant.id)


def _write(model: Any, names: tuple[str, ...], tenant: Tenant, taught: Taught) -> None:
    """``names`` are those of the keys' parts. Looked at and written together: row by row it took nine times as long."""
    near = model.objects.filter(**{f"{names[-1]}__in": list({key[-1] for key in taught})}).order_by("-id")
    there = {tuple(getattr(row, name) for name in names): row for row in near}
    added = []
    for key, members in taught.items():
        known = there.get(key)
        row = known or model(tenant=tenant, **dict(zip(names, key, strict=True)))
        for member, value in members.items():
            setattr(row, member, value)
        # The tenant is there, and the look at what is there has told the names that are taken.
        row.full_clean(exclude={"tenant"}, validate_unique=False, validate_constraints=False)
        if known:
            row.save()
        else:
            added.append(row)
    model.objects.bulk_create(added)


def _intent(name: str, members: dict[str, Any]) -> dict[str, Any]:
    """An intent with the words of all languages."""
    spoken = {language: words.INTENTS[name] for language, words in FURTHER.items()}
    examples = [*members.get("examples", ()), *(one for said in spoken.values() for one in said.get("examples", ()))]
    replies = [{"messages": _parts(reply), "language": "en"} for reply in members["responses"]]
    replies += [{"messages": _parts(said["reply"]), "language": language} for language, said in spoken.items()]
    told = {
        language: {"title": said["title"], **({"slots": said["slots"]} if "slots" in said else {})}
        for language, said in spoken.items()
    }
    return {**members, "examples": examples, "responses": replies, "translations": told}


def _parts(reply: Any) -> list[Any]:
    return list(reply) if isinstance(reply, list) else [reply]


INTENTS: dict[str, dict[str, Any]] = {name: _intent(name, members) for name, members in english.INTENTS.items()}
#: by language and title, for two languages may call an article the same
KNOWLEDGE: Taught = {
    (language, title): members
    for language, words in {"en": english, **FURTHER}.items()
    for title, members in (words.KNOWLEDGE | services.KNOWLEDGE[language] | everyday.KNOWLEDGE[language]).items()
}
