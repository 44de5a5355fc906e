"""What the demo tenant's assistant knows: Acorn Outdoor, a shop that does not exist, in five languages.

Owns how the languages become rows, and writing them. Must not be needed by anything but demos and tests.
"""

from __future__ import annotations

from typing import Any

from assistant.demo import english, french, german, portuguese, spanish
from assistant.intents.lessons import invalidate
from assistant.models import Intent, KnowledgeEntry
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import atomic

FURTHER = {"de": german, "es": spanish, "fr": french, "pt": portuguese}


def seed_assistant(tenant: Tenant) -> None:
    """Teach a tenant the demo's intents and knowledge. Doing it again restores what was changed and adds nothing."""
    with tenant_scope(tenant.id), atomic():
        for name, members in INTENTS.items():
            _write(Intent, tenant, {"name": name}, members)
        for title, members in KNOWLEDGE.items():
            _write(KnowledgeEntry, tenant, {"title": title}, members)
    invalidate(tenant.id)


def _write(model: Any, tenant: Tenant, key: dict[str, str], members: dict[str, Any]) -> None:
    row = model.objects.filter(**key).first() or model(tenant=tenant, **key)
    for name, value in members.items():
        setattr(row, name, value)
    row.full_clean()
    row.save()


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
KNOWLEDGE: dict[str, dict[str, Any]] = {
    **{title: {"language": "en", **members} for title, members in english.KNOWLEDGE.items()},
    **{
        title: {"language": language, **members}
        for language, words in FURTHER.items()
        for title, members in words.KNOWLEDGE.items()
    },
}
