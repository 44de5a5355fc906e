"""A row of every model of a tenant, made from the models themselves. Must not assert anything."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from django.db import connection, models

from assistant.evaluations.models import AnswerMark, EvaluationCase
from assistant.knowledge.sites.models import Site
from assistant.llm_models import LanguageModel, Provider
from assistant.models import Intent, KnowledgeEntry, TrainedModel
from assistant.prompts.models import SystemPrompt
from assistant.tools.models import Tool
from channels_app.models import MessageTemplate
from conversations.models import ContactMerge, Event, Review
from messaging.agents.models import CannedReply, SavedFilter, ScheduledReply
from messaging.models import HandledEvent, WebhookDelivery, WebhookEndpoint
from messaging.privacy.models import Erasure, Export
from messaging.threads.rows import KIND, SCHEME
from tenants.models import ApiKey, AuditEntry, Invitation, OAuthClient, Role, Tenant, TokenFamily, TrustedIssuer
from tenants.scope import tenant_scope
from tenants.storage.db import new_id, now, on_mongo
from tests.api.document import document
from tests.factories import (
    DeliveryFactory,
    LabelFactory,
    MembershipFactory,
    MessageFactory,
    SessionFactory,
    TeamFactory,
)

_numbers = itertools.count(1)


def made(model: Any, tenant: Tenant, mark: str, **known: Any) -> Any:
    """A row of the model with whatever it needs."""
    values = {"tenant": tenant, **known}
    for field in model._meta.concrete_fields:
        needed = not (field.null or field.has_default() or field.primary_key or field.blank) or field.is_relation
        if field.name in values or not needed or field.null:
            continue
        values[field.name] = _value(field, tenant, mark)
    row = model(**values)
    row.save(force_insert=True)
    return row


def _value(field: Any, tenant: Tenant, mark: str) -> Any:
    if field.is_relation:
        return made(field.related_model, tenant, mark)
    if field.choices:
        return field.choices[0][0]
    word = f"{mark}-{new_id().hex}"
    by_kind: list[tuple[type, Any]] = [
        (models.EmailField, f"{word}@example.com"),
        (models.URLField, f"https://{word}.example/"),
        (models.CharField, word[: field.max_length] if field.max_length and field.max_length > 30 else word[-8:]),
        (models.TextField, word),
        (models.DateTimeField, now()),
        (models.DateField, now().date()),
        (models.UUIDField, new_id()),
        (models.JSONField, {"type": "text", "text": word}),
        (models.IntegerField, next(_numbers)),
    ]
    return next(value for kind, value in by_kind if isinstance(field, kind))


class World:
    """``ids``: the name of a place in an address → the id of this tenant's row that stands there. ``mark``: what its rows say,
    and no answer to another tenant may hold."""

    def __init__(self, tenant: Tenant, mark: str):
        self.tenant, self.mark = tenant, mark
        with tenant_scope(tenant.id):
            self.rows = self._rows(tenant)
        self.ids = {name: str(row.pk) for name, row in self.rows.items()}
        self.ids["tenant_id"] = str(tenant.id)
        self.ids["user_id"] = str(self.rows["user_id"].user_id)

    def _rows(self, tenant: Tenant) -> dict[str, Any]:
        asked = MessageFactory(tenant=tenant, text=self.mark, content={"type": "text", "text": self.mark})
        talk = asked.conversation
        answer = MessageFactory(tenant=tenant, conversation=talk, direction="outbound", role="bot", text=self.mark)
        delivery = DeliveryFactory(tenant=tenant, message=answer, status="failed", dead_at=now())
        endpoint = made(WebhookEndpoint, tenant, self.mark)
        written = MessageFactory(
            tenant=tenant, conversation__kind=KIND, conversation__identity__scheme=SCHEME,
            content={"type": "text", "text": self.mark},
        )  # fmt: skip
        rows = {
            "message_id": asked, "conversation_id": talk, "contact_id": talk.contact, "identity_id": talk.identity,
            "channel_id": talk.channel, "delivery_id": delivery, "letter_id": delivery, "endpoint_id": endpoint,
            "webhook_delivery_id": made(WebhookDelivery, tenant, self.mark, endpoint=endpoint),
            "thread_id": written.conversation, "thread_message_id": written, "answer_id": answer,
            "session_id": SessionFactory(tenant=tenant, channel=talk.channel, contact=talk.contact),
            "user_id": MembershipFactory(tenant=tenant), "label_id": LabelFactory(tenant=tenant),
            "team_id": TeamFactory(tenant=tenant), "scheduled_id": made(ScheduledReply, tenant, self.mark, conversation=talk),
            "review_id": made(Review, tenant, self.mark, conversation=talk, message=asked),
            "merge_id": made(ContactMerge, tenant, self.mark, contact=talk.contact, moved={"identities": []}),
            "deletion_id": made(Erasure, tenant, self.mark, contact_id=talk.contact_id),
            "export_id": made(Export, tenant, self.mark, contact_id=talk.contact_id),
            "template_id": made(MessageTemplate, tenant, self.mark, variants={"en": {"content": asked.content}}),
            "event_id": made(Event, tenant, self.mark, conversation=talk, created_at=now() - timedelta(minutes=1)), "entry_id": made(AuditEntry, tenant, self.mark),
            "mark": made(AnswerMark, tenant, self.mark, message_id=answer.id, conversation_id=talk.id, by=new_id(), good=True),
            "failure_id": made(HandledEvent, tenant, self.mark, error="KeyError"),
            "tool_id": made(Tool, tenant, self.mark, secret="whsec_" + "a2luZ2Zp" * 4),
        }  # fmt: skip
        plain = {
            "article_id": KnowledgeEntry, "canned_id": CannedReply, "case_id": EvaluationCase,
            "family_id": TokenFamily, "filter_id": SavedFilter, "intent_id": Intent, "invitation_id": Invitation,
            "issuer_id": TrustedIssuer, "key_id": ApiKey, "model_id": LanguageModel, "prompt_id": SystemPrompt,
            "provider_id": Provider, "role_id": Role, "row_id": OAuthClient, "site_id": Site, "training_id": TrainedModel,
        }  # fmt: skip
        return rows | {name: made(model, tenant, self.mark) for name, model in plain.items()}

    def everything(self) -> dict[str, Any]:
        """All columns of all these rows, as they stand now."""
        if on_mongo():
            # unscoped: the test looks at what another tenant has left alone
            found = {name: type(row)._default_manager.unscoped().filter(pk=row.pk) for name, row in self.rows.items()}
            return {name: row.values().first() for name, row in found.items()}
        with connection.cursor() as cursor:  # by the ORM they take half of a test that asks for them twice
            return {name: _whole(cursor, row) for name, row in self.rows.items()}


def _whole(cursor: Any, row: Any) -> Any:
    key = row._meta.pk
    value = key.get_db_prep_value(row.pk, connection)
    cursor.execute(f'SELECT * FROM "{row._meta.db_table}" WHERE "{key.column}" = %s', [value])
    return cursor.fetchone()


def bodies() -> dict[tuple[str, str], Any]:
    """(method, path of the document) → an example of its body, which passes the checks of its form."""
    found = {}
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            told = (
                (operation.get("requestBody") or {}).get("content", {}).get("application/json", {})
                if isinstance(operation, dict)
                else {}
            )
            examples = [one["value"] for one in told.get("examples", {}).values() if "value" in one]
            if examples or "example" in told:
                found[method.upper(), path] = examples[0] if examples else told["example"]
    return found
