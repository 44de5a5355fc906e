"""``Idempotency-Key`` (API-6): an unsafe request that is sent again gets the first answer again.

Owns the records and their life. Must not know what a request does.

A key belongs to one principal. Life of a record: running (leased) → done, or gone when the request
failed, since a failure may be tried again. The run of a process that died is taken over when its lease
ends; what it had committed by then the handler must recognise itself: the view's
``idempotency_key`` is there for it (a message takes it as its client id).
"""

from __future__ import annotations

import datetime
import hashlib
import re
import uuid
from typing import Any

from django.conf import settings
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from rest_framework.exceptions import ParseError

from tenants.access.auth import Principal
from tenants.errors import Conflict, Invalid, Unprocessable
from tenants.models import IdempotencyRecord
from tenants.storage.crypto import decrypt, encrypt
from tenants.storage.db import key_taken, now

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
KEPT = datetime.timedelta(days=8)  # longer than any platform or client goes on retrying
MARGIN_S = 30  # of the lease, beyond the longest request

FORM = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?")


class Run:
    """This request's hold on its key. ``keep`` its answer or ``release`` the key; either once. ``id`` stands for the key
    of this very principal."""

    def __init__(self, record: IdempotencyRecord):
        self.id = record.key
        self._mine = IdempotencyRecord.objects.filter(id=record.id, running_until=record.running_until, status=0)

    def keep(self, response: HttpResponse) -> None:
        # encrypted: an answer may hold a new key or token, shown once
        self._mine.update(status=response.status_code, body=encrypt(response.content.decode()))

    def release(self) -> None:
        self._mine.delete()


def begin(request: HttpRequest, principal: Principal, *, uploads: bool = False) -> Run | HttpResponse | None:
    """None without a key; the stored answer to a repeat; else the right to run. ``uploads``: the view takes multipart
    bodies, and has set its limits to them.

    Raises Invalid (malformed key), Unprocessable ``idempotency_mismatch`` (the key was used for another
    request), Conflict ``idempotency_in_progress``. Call inside the tenant's scope, outside a transaction.
    """
    given = request.headers.get("Idempotency-Key")
    if given is None or request.method not in UNSAFE:
        return None
    if not FORM.fullmatch(given):
        raise Invalid("Idempotency-Key must have 1 to 255 printable ASCII characters.", code="idempotency_key_invalid")
    # No caller is given another's answer: two back ends, each with its own API key, may both have a "user-42".
    key = _digest(principal.kind, principal.key_prefix, principal.subject, given, *_reach_of(principal))
    fingerprint = _digest(request.method, request.get_full_path(), *_body_of(request, uploads=uploads))
    return _begun(principal.tenant_id, key, fingerprint)


def claim(tenant_id: uuid.UUID, *named: str) -> Run:
    """A hold on what is ``named`` until it is released. Raises Conflict while another request has it. As `begin`."""
    run = _begun(tenant_id, _digest("claim", *named), "")
    assert isinstance(run, Run)  # no answer is kept under a claim
    return run


def _begun(tenant_id: uuid.UUID, key: str, fingerprint: str) -> Run | HttpResponse:
    for _ in range(3):  # again when the other one's record vanished between our two looks
        try:
            return Run(
                IdempotencyRecord.objects.create(
                    tenant_id=tenant_id, key=key, fingerprint=fingerprint, running_until=_lease()
                )
            )
        except IntegrityError as error:
            if not key_taken(error):
                raise
            record = IdempotencyRecord.objects.filter(key=key).first()
        if record is not None:
            return _again(record, fingerprint)
    raise _in_progress(1)


def _reach_of(principal: Principal) -> list[str]:
    """Two tokens of one subject that reach different learners are not given each other's answers."""
    return [] if principal.learners is None else ["learners", *sorted(principal.learners)]


def _again(record: IdempotencyRecord, fingerprint: str) -> Run | HttpResponse:
    if record.fingerprint != fingerprint:
        raise Unprocessable("This Idempotency-Key was used for another request.", code="idempotency_mismatch")
    if record.status:
        replay = HttpResponse(decrypt(record.body), status=record.status, content_type="application/json")
        replay["Idempotency-Replayed"] = "true"
        return replay
    left_s = (record.running_until - now()).total_seconds()
    if left_s > 0:
        raise _in_progress(min(left_s, 2))
    until = _lease()
    abandoned = IdempotencyRecord.objects.filter(id=record.id, running_until=record.running_until, status=0)
    if not abandoned.update(running_until=until):
        raise _in_progress(1)  # another request took it over
    record.running_until = until
    return Run(record)


def _in_progress(retry_after: float) -> Conflict:
    return Conflict(
        "The first request with this Idempotency-Key is still running.",
        code="idempotency_in_progress",
        retry_after=retry_after,
    )


def _lease() -> datetime.datetime:
    return now() + datetime.timedelta(milliseconds=settings.ENV["REQUEST_TIMEOUT_MS"], seconds=MARGIN_S)


def _body_of(request: HttpRequest, *, uploads: bool) -> list[Any]:
    """What the request says. An upload counts by its fields and its files' bytes: its boundary differs each time."""
    if not str(request.content_type).startswith("multipart/"):
        return [request.body]
    if not uploads:
        return []  # it is refused, whatever it says
    try:
        fields, files = sorted(request.POST.lists()), sorted(request.FILES.lists())
    except MultiPartParserError as error:
        raise ParseError from error
    said: list[Any] = [len(fields)]
    for name, values in fields:
        said += [name, len(values), *values]
    for name, sent in files:
        for file in sent:
            said += [name, file.name, file.content_type, _file_digest(file)]
    return said


def _file_digest(file: Any) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def _digest(*parts: Any) -> str:
    digest = hashlib.sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()
