"""Providers and models are set up, and tried. Owns the rules on their rows. Must not answer people."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError

from assistant.llm.ask import WIRES
from assistant.llm.faults import fault_of
from assistant.llm.providers.offers import server_of
from assistant.llm_models import LanguageModel, Provider
from channels_app.http.addresses import BadAddress, address_check
from channels_app.http.network import deadline
from channels_app.http.waiting import asking
from channels_app.services import outbound_hosts
from tenants.errors import Conflict, Invalid, NotFound, Unprocessable
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, key_taken, row_change
from tenants.work.crew import outside

MOST_PROVIDERS, MOST_MODELS = 20, 100  # of a tenant
TEST_S = 8.0


@dataclass(frozen=True)
class Tried:
    """How a try ended: ``code`` "" where it went well, else as docs/llm.md lists them; ``models`` are those that the
    provider says it has."""

    code: str
    took_ms: int
    models: tuple[str, ...] = ()


def provider_get(provider_id: uuid.UUID) -> Provider:
    """Raises NotFound ``provider_not_found``."""
    row: Provider | None = Provider.objects.filter(id=provider_id).first()
    if row is None:
        raise NotFound("There is no such provider.", code="provider_not_found")
    return row


def provider_create(facts: Mapping[str, Any]) -> Provider:
    """Raises Invalid (see `address_refused`), Conflict ``provider_exists``, Unprocessable ``too_many_providers``."""
    if Provider.objects.count() >= MOST_PROVIDERS:
        raise Unprocessable(f"A tenant has at most {MOST_PROVIDERS} providers.", code="too_many_providers")
    row = Provider(tenant_id=current_tenant_id(), **facts)
    address_refused(row.kind, row.base_url)
    try:
        with atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise _taken(error, Conflict("There is a provider of this name.", code="provider_exists")) from error
    return row


def provider_change(row: Provider, given: Mapping[str, Any]) -> None:
    """An address moves with its key: another server gets none that was not given for it. Raises as `provider_create`,
    and Invalid ``secrets_required``."""
    kind, address = given.get("kind", row.kind), given.get("base_url", row.base_url)
    if (kind, address) != (row.kind, row.base_url):
        address_refused(kind, address)
        if row.key and not given.get("key"):
            detail = {
                "field": "key",
                "message": "Another address needs the key typed anew.",
                "code": "secrets_required",
            }
            raise Invalid(
                "The provider's address changes: give its key again.", code="secrets_required", details=[detail]
            )
    try:
        with atomic():
            row_change(row, given)
    except IntegrityError as error:
        raise _taken(error, Conflict("There is a provider of this name.", code="provider_exists")) from error


def address_refused(kind: str, base_url: str) -> None:
    """Raises Invalid ``invalid_provider`` for an address that is not called, TooMany ``busy``: names are looked up."""
    if not base_url:
        if kind == Provider.Kind.COMPATIBLE:
            raise _invalid("A compatible server needs its address.", "missing")
        return
    try:
        with asking():
            address_check(base_url, allowed=outbound_hosts(), https=settings.PRODUCTION)
    except BadAddress as error:
        raise _invalid(str(error), error.code) from error


def provider_test(row: Provider) -> Tried:
    """Ask the provider which models it has: that needs its address, and a key that it takes. Raises TooMany ``busy``."""
    began, server = time.monotonic(), server_of(row)
    with asking(TEST_S):
        try:
            with outside(), deadline(TEST_S):
                names = WIRES[Provider.Kind(row.kind)].names(server)
        except Exception as error:  # noqa: BLE001  the SDKs raise what a strange answer makes of their code
            return Tried(fault_of(error).code, _ms(began))
    return Tried("", _ms(began), tuple(names))


def model_get(model_id: uuid.UUID) -> LanguageModel:
    """Raises NotFound ``model_not_found``."""
    row: LanguageModel | None = LanguageModel.objects.select_related("provider").filter(id=model_id).first()
    if row is None:
        raise NotFound("There is no such model.", code="model_not_found")
    return row


def model_create(provider_id: uuid.UUID, facts: Mapping[str, Any]) -> LanguageModel:
    """Raises NotFound ``provider_not_found``, Conflict ``model_exists``, Unprocessable ``too_many_models``."""
    provider = provider_get(provider_id)
    if LanguageModel.objects.count() >= MOST_MODELS:
        raise Unprocessable(f"A tenant has at most {MOST_MODELS} models.", code="too_many_models")
    row = LanguageModel(tenant_id=provider.tenant_id, provider=provider, **facts)
    try:
        with atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise _taken(error, Conflict("There is a model of this name.", code="model_exists")) from error
    return row


def model_change(row: LanguageModel, given: Mapping[str, Any]) -> None:
    """Raises Conflict ``model_exists``."""
    try:
        with atomic():
            row_change(row, given)
    except IntegrityError as error:
        raise _taken(error, Conflict("There is a model of this name.", code="model_exists")) from error


def _taken(error: IntegrityError, conflict: Conflict) -> Exception:
    return conflict if key_taken(error) else error


def _invalid(message: str, code: str) -> Invalid:
    detail = {"field": "base_url", "message": message, "code": code}
    return Invalid("The provider cannot be asked there.", code="invalid_provider", details=[detail])


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
