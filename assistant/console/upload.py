"""The console's page on which documents become articles: dropped or chosen, with a report on each (AI-7).

Owns how much one request may bring. Must not read a document (assistant/knowledge/documents.py).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_protect
from unfold.widgets import UnfoldAdminTextInputWidget

from assistant.console.choice import tenant_field
from assistant.intents.lessons import invalidate
from assistant.knowledge.bringing import Document, Report, documents_bring
from assistant.knowledge.documents import ENDINGS, MOST_BYTES, MOST_OF_PAPER, most_bytes
from assistant.models import KnowledgeEntry
from channels_app.content.media import name_in_form
from tenants.access.limits import client_ip
from tenants.console.pages.rows import TenantAdmin
from tenants.console.pages.whose import tenants_with
from tenants.errors import PayloadTooLarge, Unprocessable
from tenants.scope import tenant_scope
from tenants.trail.audit import audit

MOST_OF_REQUEST = 32 * 1024 * 1024  # bytes, of all documents together; the page's script sends them one by one
PART = "X-Part"  # header of the page's script: the report alone is wanted
TOO_MUCH = "These are more than 32 MB or 100 documents: bring them in a few at a time."


class UploadForm(forms.Form):
    language = forms.RegexField(
        r"^[a-z]{2}$", required=False, widget=UnfoldAdminTextInputWidget(attrs={"maxlength": 2, "pattern": "[a-z]{2}"}),
        help_text="Two letters, as en: of documents that do not say it themselves. Empty suits all languages",
        error_messages={"invalid": "A language has two small letters, as en."},
    )  # fmt: skip

    def __init__(self, request: HttpRequest, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.fields["tenant"] = tenant_field(request, "intents:write")


class Limited(TemporaryFileUploadHandler):
    """Ends a body that is longer than it may be, while it comes."""

    taken = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> Any:
        self.taken += len(raw_data)
        if self.taken > MOST_OF_REQUEST:
            raise PayloadTooLarge(TOO_MUCH)
        return super().receive_data_chunk(raw_data, start)


def upload_page(page: TenantAdmin, request: HttpRequest) -> HttpResponse:
    """Who calls exempts it from the check of forms, which is made here once the body has its limit."""
    if not tenants_with(request, "intents:write").exists():
        raise PermissionDenied
    if request.method != "POST":
        return _shown(page, request, UploadForm(request))
    length = request.META.get("CONTENT_LENGTH") or "0"
    try:
        if length.isascii() and length.isdigit() and (len(length) > 15 or int(length) > MOST_OF_REQUEST + 65_536):
            raise PayloadTooLarge(TOO_MUCH)
        request.upload_handlers = [Limited(request)]
        answer: HttpResponse = csrf_protect(partial(_brought, page))(request)
    except (PayloadTooLarge, TooManyFilesSent):
        if PART in request.headers:
            return HttpResponse(TOO_MUCH, status=413, content_type="text/plain")
        blank = UploadForm(request)
        return _shown(page, request, blank, wrong=TOO_MUCH, status=413)
    return answer


def _brought(page: TenantAdmin, request: HttpRequest) -> HttpResponse:
    form, files = UploadForm(request, request.POST), request.FILES.getlist("documents")
    if not form.is_valid() or not files:
        wrong = "" if files else "Choose at least one document."
        if PART in request.headers:
            told = [wrong, *(str(said) for said_of in form.errors.values() for said in said_of)]
            return HttpResponse(" ".join(filter(None, told)), status=422, content_type="text/plain")
        return _shown(page, request, form, wrong=wrong, status=422)
    tenant, language = form.cleaned_data["tenant"], form.cleaned_data["language"]
    with tenant_scope(tenant.id):
        report = documents_bring(Document(name_in_form(file.name), partial(_read, file), language) for file in files)
        invalidate(tenant.id)
        audit(request.user, "knowledge.imported", f"tenant:{tenant.id}", report.counts, client_ip(request))
        told = told_by_document(report)
    if PART in request.headers:
        return render(request, "admin/assistant/upload_report.html", {"documents": told})
    return _shown(page, request, form, documents=told)


def _read(file: UploadedFile) -> bytes:
    """One byte more than it may have tells that it has too many."""
    try:
        return bytes(file.read(most_bytes(file.name or "") + 1))
    except OSError as error:
        raise Unprocessable("The document could not be read: send it again.", code="document_broken") from error


def told_by_document(report: Report) -> list[dict[str, Any]]:
    """Each document with its articles, or with why it was refused."""
    titles = dict(
        KnowledgeEntry.objects.filter(id__in=[one.article_id for one in report.items]).values_list("id", "title")
    )
    told: dict[int, dict[str, Any]] = {}
    for one in report.items:
        line = told.setdefault(one.index, {"name": one.name, "refused": "", "articles": []})
        if one.article_id is None:
            line |= {"refused": one.message, "code": one.code}
        else:
            line["articles"].append((one.article_id, titles.get(one.article_id, one.name), one.status))
    return list(told.values())


def _shown(
    page: TenantAdmin, request: HttpRequest, form: UploadForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    limits = f"{MOST_BYTES // 1024 // 1024} MB each, PDF and DOCX {MOST_OF_PAPER // 1024 // 1024} MB"
    context = {
        **page.admin_site.each_context(request), "opts": page.opts, "title": "Bring in documents", "form": form,
        "endings": ",".join(sorted(ENDINGS)), "limits": limits, **more,
    }  # fmt: skip
    return render(request, "admin/assistant/upload.html", context, status=status)
