"""``/api/v2/prompts``: versions of the tenant's system prompt."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from assistant.prompts import versions
from assistant.prompts.models import LONGEST, SystemPrompt
from assistant.prompts.preview import prompt_previewed
from channels_app.content.types import MAX_TEXT
from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.names import Said

TAGS = ["prompts"]
PROMPTS = Walk("prompt-cursor", latest=True, sorts={"created_at": ""}, searched=("note",), dated="created_at")
Words = Annotated[str, Field(min_length=1, max_length=LONGEST), Said]
WANTED = {"text": "You answer for Acorn Outdoor. Be friendly and brief.", "note": "Shorter answers"}
PROMPT = {
    "id": "0192f0d0-7b1a-7c3e-9a55-000000000021", "version": 3, **WANTED, "active": False,
    "created_at": "2026-01-31T12:00:00.000Z", "activated_at": None,
}  # fmt: skip


class PromptCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Words
    note: str = Field("", max_length=200, description="Why, for colleagues")
    after: int | None = Field(
        None, ge=0, description="The latest version that you have seen; 409 `prompt_changed` if there is a later one"
    )


class PromptShape(BaseModel):
    id: uuid.UUID
    version: int
    text: str
    note: str
    active: bool = Field(description="It holds now")
    created_at: Moment
    activated_at: Moment | None = Field(description="For the last time")


class PromptDetail(PromptShape):
    """One version."""


class PromptPage(Page):
    items: list[PromptShape]


class PromptQuery(ListQuery):
    """Which versions."""


class PromptPreview(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Words
    message: Annotated[str, Said] = Field(min_length=1, max_length=MAX_TEXT, description="What somebody might write")
    language: str = Field("en", pattern=r"^[a-z]{2}$")


class PreviewEntry(BaseModel):
    role: str
    text: str


class PromptPreviewed(BaseModel):
    messages: list[PreviewEntry] = Field(description="As a model would get them; no model is asked")
    tokens: int = Field(description="Estimated, rather too many")
    left_out: dict[str, int] = Field(description="What did not fit, by kind")
    never_told: list[str] = Field(
        description="Short secrets of the text that no answer may hold: keys, passwords, codes"
    )


class PromptsView(TenantAPIView):
    permissions = {"GET": "models:read", "POST": "models:write"}

    @extend_schema(
        operation_id="prompt_list",
        summary="List versions of the system prompt",
        description="The latest first, with the one that holds marked.",
        tags=TAGS,
        parameters=[PromptQuery],  # type: ignore[list-item]
        responses=PromptPage,
        examples=[answered(listed(PROMPT))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, PromptQuery)
        return Response(PROMPTS.answer(SystemPrompt.objects.all(), query, shape=_shapes))

    @extend_schema(
        operation_id="prompt_create",
        summary="Write a version of the system prompt",
        description="It holds once it is activated. A version is never changed.",
        tags=TAGS,
        request=PromptCreate,
        responses={201: PromptDetail},
        examples=[asked({**WANTED, "after": 2}), answered(PROMPT, 201)],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, PromptCreate)
        row = versions.prompt_write(body.text, body.note, after=body.after)
        self.audit("systemprompt.created", row, {"version": row.version})
        return Response(_shape(row), 201)


class PromptView(TenantAPIView):
    permissions = {"GET": "models:read"}

    @extend_schema(
        operation_id="prompt_get",
        summary="One version of the system prompt",
        description="Its text, and whether it holds.",
        tags=TAGS,
        responses=PromptDetail,
        examples=[answered(PROMPT)],
    )
    def get(self, request: Request, prompt_id: uuid.UUID) -> Response:
        return Response(_shape(versions.prompt_for_id(prompt_id)))


class PromptActivateView(TenantAPIView):
    permissions = {"POST": "models:write"}

    @extend_schema(
        operation_id="prompt_activate",
        summary="Let a version hold",
        description="From the next answers on, about a second later in all processes. To roll back, activate an older version.",
        tags=TAGS,
        request=None,
        responses=PromptDetail,
        examples=[answered({**PROMPT, "active": True, "activated_at": "2026-01-31T12:05:00.000Z"})],
    )
    def post(self, request: Request, prompt_id: uuid.UUID) -> Response:
        row = versions.prompt_for_id(prompt_id)
        before = versions.prompt_active()
        versions.prompt_activate(row)
        self.audit("systemprompt.activated", row, {"version": row.version, "before": before.version if before else 0})
        return Response(_shape(row))


class PromptPreviewView(TenantAPIView):
    permissions = {"POST": "models:read"}

    @extend_schema(
        operation_id="prompt_preview",
        summary="See a prompt as a model would",
        description="Builds the prompt of one message with this text, within the tenant's budget. Nothing is stored, no model asked.",
        tags=TAGS,
        request=PromptPreview,
        responses=PromptPreviewed,
        examples=[
            asked({"text": WANTED["text"], "message": "Where is my order?"}),
            answered(
                {
                    "messages": [{"role": "user", "text": "Where is my order?"}],
                    "tokens": 320,
                    "left_out": {},
                    "never_told": [],
                }
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, PromptPreview)
        built = prompt_previewed(body.text, body.message, body.language)
        messages = [{"role": said.role, "text": said.text} for said in built.messages]
        counts = {"tokens": built.why["tokens"], "left_out": built.why["left_out"]}
        return Response({"messages": messages, **counts, "never_told": list(built.secret.marks)})


def _shapes(rows: Sequence[SystemPrompt]) -> Iterable[dict[str, Any]]:
    active = versions.prompt_active()
    return [_of(row, active) for row in rows]


def _shape(row: SystemPrompt) -> dict[str, Any]:
    return _of(row, versions.prompt_active())


def _of(row: SystemPrompt, active: SystemPrompt | None) -> dict[str, Any]:
    names = ("id", "version", "text", "note", "created_at", "activated_at")
    return {**{name: getattr(row, name) for name in names}, "active": active is not None and active.id == row.id}
