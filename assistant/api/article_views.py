"""``/api/v2/knowledge``: the articles that the assistant answers from (AI-7)."""

from __future__ import annotations

import base64
import binascii
import uuid
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from assistant.intents.lessons import invalidate
from assistant.knowledge.articles import (
    article_change,
    article_create,
    article_get,
    unchecked,
)
from assistant.knowledge.bringing import Document, Reported, documents_bring
from assistant.knowledge.documents import MOST_QUESTION, MOST_QUESTIONS, MOST_TITLE
from assistant.knowledge.unanswered import question_dismiss, questions_unanswered
from assistant.models import MOST_OF_ANSWER, KnowledgeEntry
from assistant.vectors.port import StoreAway
from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.parse import Changes
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import Invalid, NotFound, Unavailable
from tenants.names import Said
from tenants.storage.db import now, row_change

TAGS = ["assistant"]
ARTICLES = Walk("knowledge", latest=True, sorts={"created_at": ""}, searched=("title",), dated="created_at")
Line = Annotated[str, Field(min_length=1, max_length=MOST_QUESTION), Said]
Lines = Annotated[list[Line], Field(max_length=MOST_QUESTIONS)]
LANGUAGE = r"^([a-z]{2})?$"
WORDS = r"[^\s\x85\ufeff]"
ADDRESS = r"^(https?://[^\s\x85\ufeff]+)?$"
BODY = {
    "title": "Return policy", "questions": ["how long can I return things"], "tags": ["returns"], "language": "en",
    "answer": "You can return unused items within 60 days.", "source_url": "https://shop.example/help/returns",
    "enabled": True,
}  # fmt: skip
ARTICLE = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000f1", **BODY, "checked_at": "2026-01-31T12:00:00.000Z",
    "created_at": "2026-01-31T12:00:00.000Z", "updated_at": "2026-01-31T12:00:00.000Z",
}  # fmt: skip


class ArticleBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Said] = Field(min_length=1, max_length=MOST_TITLE, pattern=WORDS)
    answer: Annotated[str, Said] = Field(
        min_length=1,
        max_length=MOST_OF_ANSWER,
        pattern=WORDS,
        description="Headings begin with `#`, on lines of their own",
    )
    questions: Lines = Field([], description="Ways to ask for it")
    tags: Lines = []
    language: str = Field("", pattern=LANGUAGE, description="ISO 639-1; empty suits all")
    source_url: str = Field("", max_length=2048, pattern=ADDRESS, description="Where people read more")
    enabled: bool = True


class ArticleChange(Changes):
    title: Annotated[str, Said] = Field("", min_length=1, max_length=MOST_TITLE, pattern=WORDS)
    answer: Annotated[str, Said] = Field("", min_length=1, max_length=MOST_OF_ANSWER, pattern=WORDS)
    questions: Lines = []
    tags: Lines = []
    language: str = Field("", pattern=LANGUAGE)
    source_url: str = Field("", max_length=2048, pattern=ADDRESS)
    enabled: bool = True


class ArticleItem(BaseModel):
    id: uuid.UUID
    title: str
    answer: str
    questions: list[str]
    tags: list[str]
    language: str
    source_url: str
    enabled: bool
    checked_at: Moment = Field(description="When it was last written, or found to be still so")
    created_at: Moment
    updated_at: Moment


class ArticleShape(ArticleItem):
    """An article."""


class ArticlePage(Page):
    items: list[ArticleItem]


class ArticleQuery(ListQuery):
    unchecked: bool = Field(
        False, description="Only those in use that staff have not checked for as long as the tenant's `knowledge_days`"
    )
    language: str | None = Field(None, max_length=2)


class ArticlesView(TenantAPIView):
    permissions = {"GET": "intents:read", "POST": "intents:write"}

    @extend_schema(
        operation_id="article_list",
        summary="List articles",
        description="The newest first.",
        tags=TAGS,
        parameters=[ArticleQuery],  # type: ignore[list-item]
        responses=ArticlePage,
        examples=[answered(listed(ARTICLE))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, ArticleQuery)
        rows = KnowledgeEntry.objects.all()
        rows = rows.filter(unchecked([self.principal.tenant_id])) if query.unchecked else rows
        rows = rows.filter(language=query.language) if query.language is not None else rows
        return Response(ARTICLES.answer(rows, query, shape=lambda page: [article_shape(row) for row in page]))

    @extend_schema(
        operation_id="article_create",
        summary="Create an article",
        description="The assistant finds it by its letters within seconds, by what it means some 15 s later.",
        tags=TAGS,
        request=ArticleBody,
        responses={201: ArticleShape},
        examples=[asked(BODY), answered(ARTICLE, 201)],
    )
    def post(self, request: Request) -> Response:
        row = article_create(parse_body(request, ArticleBody).model_dump())
        invalidate(row.tenant_id)
        self.audit("knowledgeentry.created", row)
        return Response(article_shape(row), 201)


class ArticleView(TenantAPIView):
    permissions = {"GET": "intents:read", "PATCH": "intents:write", "DELETE": "intents:write"}

    @extend_schema(
        operation_id="article_get",
        summary="One article",
        description="The whole of it.",
        tags=TAGS,
        responses=ArticleShape,
        examples=[answered(ARTICLE)],
    )
    def get(self, request: Request, article_id: uuid.UUID) -> Response:
        return Response(article_shape(article_get(article_id)))

    @extend_schema(
        operation_id="article_change",
        summary="Change an article",
        description="Changes the fields that the request names and no others.",
        tags=TAGS,
        request=ArticleChange,
        responses=ArticleShape,
        examples=[asked({"answer": "You can return unused items within 90 days."}), answered(ARTICLE)],
    )
    def patch(self, request: Request, article_id: uuid.UUID) -> Response:
        given, row = parse_body(request, ArticleChange).given(), article_get(article_id)
        article_change(row, given)
        invalidate(row.tenant_id)
        self.audit("knowledgeentry.updated", row, {"fields": sorted(given)})
        return Response(article_shape(row))

    @extend_schema(
        operation_id="article_delete",
        summary="Delete an article",
        description="It is told no more from the next question on.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, article_id: uuid.UUID) -> Response:
        row = article_get(article_id)
        self.audit("knowledgeentry.deleted", row)
        row.delete()
        invalidate(row.tenant_id)
        return Response(status=204)


class ArticleCheckView(TenantAPIView):
    permissions = {"POST": "intents:write"}

    @extend_schema(
        operation_id="article_check",
        summary="An article is still so",
        description="It is not listed as unchecked for another `knowledge_days` of the tenant.",
        tags=TAGS,
        request=None,
        responses=ArticleShape,
        examples=[answered(ARTICLE)],
    )
    def post(self, request: Request, article_id: uuid.UUID) -> Response:
        row = article_get(article_id)
        row_change(row, {"checked_at": now()})
        self.audit("knowledgeentry.checked", row)
        return Response(article_shape(row))


class ImportedDocument(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        min_length=1, max_length=200,
        description="Its ending tells the format: `.md`, `.txt`, `.html` (UTF-8), `.pdf`, `.docx`, or `.csv` with the columns "
        "`title`, `answer`, and `questions`, `tags` (split by `|`), `language`, `url` as you like",
    )  # fmt: skip
    content: str = Field(max_length=4_194_304, description="The document in base64, at most 2 MB")
    language: str = Field("", pattern=LANGUAGE, description="Where the document does not say it")
    source_url: str = Field("", max_length=2048, pattern=ADDRESS, description="Where people read it")


class ArticleImport(BaseModel):
    model_config = ConfigDict(extra="forbid")

    documents: list[ImportedDocument] = Field(min_length=1, max_length=100)


class ArticleImported(BaseModel):
    """What became of an article of the document at ``index``, or of the document, where it was refused."""

    index: int
    name: str
    status: Literal["created", "updated", "unchanged", "refused"]
    article_id: uuid.UUID | None
    error: dict[str, Any] | None = Field(description="`code` and `message` of one that was refused")


class ArticleImportDone(BaseModel):
    created: int
    updated: int
    unchanged: int
    refused: int
    items: list[ArticleImported]


MADE = {"index": 0, "name": "returns.md", "status": "created", "article_id": ARTICLE["id"], "error": None}


class ArticleImportView(TenantAPIView):
    permissions = {"POST": "intents:write"}

    @extend_schema(
        operation_id="article_import",
        summary="Bring in documents as articles",
        description="Each document for itself: one that is refused harms no other, and of one that is refused nothing is kept. An "
        "article is known again by its address, or without one by its title, and its language: the same again changes nothing. What "
        "is left after 25 s is refused, `import_out_of_time`.",
        tags=TAGS,
        request=ArticleImport,
        responses=ArticleImportDone,
        examples=[
            asked({"documents": [{"name": "returns.md", "content": "IyBSZXR1cm5zCgpXaXRoaW4gNjAgZGF5cy4="}]}),
            answered({"created": 1, "updated": 0, "unchanged": 0, "refused": 0, "items": [MADE]}),
        ],
    )
    def post(self, request: Request) -> Response:
        documents = parse_body(request, ArticleImport).documents
        report = documents_bring(
            Document(one.name, partial(_decoded, one.content), one.language, one.source_url) for one in documents
        )
        invalidate(self.principal.tenant_id)
        self.audit("knowledge.imported", f"tenant:{self.principal.tenant_id}", report.counts)
        return Response({**report.counts, "items": [_reported(one) for one in report.items]})


class UnansweredQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(20, ge=1, le=100)


class UnansweredQuestion(BaseModel):
    text: str = Field(description="As it was asked last")
    texts: list[str] = Field(description="The last five ways in which it was asked, that one first")
    language: str
    count: int = Field(description="How often the like of it was asked")
    last_at: Moment
    message_ids: list[uuid.UUID] = Field(description="The last five messages that asked it")


class UnansweredQuestions(BaseModel):
    items: list[UnansweredQuestion]


class UnansweredView(TenantAPIView):
    reads = "message"
    permissions = {"GET": "messages:read"}

    @extend_schema(
        operation_id="article_unanswered_list",
        summary="What people asked and got no answer to",
        description="Of the last 2,000 such messages, those of one language that mean the like together, what was asked most often first: write an "
        "article, and it is listed no more. Words are those of the messages: what is deleted or erased is not there. 503 "
        "`unavailable` while the store of vectors is away.",
        tags=TAGS,
        parameters=[UnansweredQuery],  # type: ignore[list-item]
        responses=UnansweredQuestions,
        examples=[
            answered({"items": [{
                "text": "Do you have a loyalty programme?",
                "texts": ["Do you have a loyalty programme?", "Is there a loyalty programme"], "language": "en", "count": 14, "last_at": ARTICLE["created_at"],
                "message_ids": ["0192f0d0-7b1a-7c3e-9a55-0000000000a1"],
            }]})
        ],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        query = parse_query(request, UnansweredQuery)
        try:
            found = questions_unanswered(query.limit)
        except StoreAway as error:
            raise Unavailable("The store of vectors does not answer now.") from error
        return Response({"items": [asdict(question) for question in found]})


class Dismissed(BaseModel):
    messages: int = Field(description="How many messages asked it")


class UnansweredDismissView(TenantAPIView):
    permissions = {"POST": "intents:write"}

    @extend_schema(
        operation_id="article_unanswered_dismiss",
        summary="Dismiss a question that nothing answered",
        description="The question that this message asked, and the like of it that is asked later, are listed no more. 404 "
        "`question_not_found` where it is not on the list; 503 `unavailable` while the store of vectors is away.",
        tags=TAGS,
        request=None,
        responses=Dismissed,
        examples=[answered({"messages": 14})],
    )
    def post(self, request: Request, message_id: uuid.UUID) -> Response:
        try:
            done = question_dismiss(message_id)
        except StoreAway as error:
            raise Unavailable("The store of vectors does not answer now.") from error
        if not done:
            raise NotFound("This question is not on the list.", code="question_not_found")
        self.audit("question.dismissed", f"message:{message_id}", {"messages": done})
        return Response({"messages": done})


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("The content is not base64.", code="invalid_base64") from None


def _reported(one: Reported) -> dict[str, Any]:
    error = {"code": one.code, "message": one.message} if one.code else None
    return {"index": one.index, "name": one.name, "status": one.status, "article_id": one.article_id, "error": error}


def article_shape(row: KnowledgeEntry) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ArticleItem.model_fields}
