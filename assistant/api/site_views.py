"""``/api/v2/knowledge-sites``: sites whose pages are brought in as articles (AI-7)."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from assistant.api.article_views import LANGUAGE, TAGS
from assistant.knowledge.sites.models import Site, SitePage
from assistant.knowledge.sites.reading import MOST, counts_of, site_again, site_create, site_get
from assistant.knowledge.sites.visiting import MOST_PAGES
from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, NoQuery, Page, Walk, listed
from tenants.api.parse import Changes
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.storage.db import row_change

PAGES = Walk("site-pages", searched=("url",), sorts={"created_at": ""}, dated="created_at")
State = Literal["waiting", "reading", "done", "failed"]
Status = Literal["waiting", "reading", "created", "updated", "unchanged", "refused", "gone"]
MOMENT = "2026-01-31T12:00:00.000Z"
BODY = {"url": "https://shop.example.com/sitemap.xml", "language": "en"}
COUNTS = {"waiting": 3, "reading": 1, "created": 8, "updated": 0, "unchanged": 0, "refused": 1, "gone": 0}
SITE = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000f2", **BODY, "state": "reading", "code": "", "pages": COUNTS, "left_out": 0,
    "read_at": None, "created_at": MOMENT,
}  # fmt: skip
PAGE = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000f3", "url": "https://shop.example.com/help/returns", "status": "created",
    "code": "", "article_id": "0192f0d0-7b1a-7c3e-9a55-0000000000f1", "created_at": MOMENT,
}  # fmt: skip


class SiteCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: str = Field(min_length=1, max_length=2048, description="Of the sitemap, or of an index of sitemaps; https")
    language: str = Field("", pattern=LANGUAGE, description="ISO 639-1, of pages that do not say it")


class SiteChange(Changes):
    language: str = Field("", pattern=LANGUAGE, description="ISO 639-1, of pages that do not say it; empty: not known")


class PageCounts(BaseModel):
    waiting: int
    reading: int
    created: int
    updated: int
    unchanged: int
    refused: int
    gone: int


class SiteShape(BaseModel):
    id: uuid.UUID
    url: str
    language: str
    state: State
    code: str = Field(description='Why the sitemap could not be read, else ""')
    pages: PageCounts = Field(description="How far it is: pages by what became of them")
    left_out: int = Field(description=f"Pages of the sitemap beyond {MOST_PAGES}, which are not read")
    read_at: Moment | None = Field(description="When it was read to its end last")
    created_at: Moment


class SiteDetail(SiteShape):
    """One site."""


class SiteList(BaseModel):
    items: list[SiteShape] = Field(max_length=MOST)


class SitePageItem(BaseModel):
    id: uuid.UUID
    url: str
    status: Status
    code: str = Field(description='Why a page was refused, else ""')
    article_id: uuid.UUID | None
    created_at: Moment


class SitePages(Page):
    items: list[SitePageItem]


class SitePageQuery(ListQuery):
    status: Status | None = None


class SitesView(TenantAPIView):
    permissions = {"GET": "intents:read", "POST": "intents:write"}

    @extend_schema(
        operation_id="site_list",
        summary="List sites",
        description=f"Sites whose pages are brought in as articles, the oldest first; {MOST} at most.",
        tags=TAGS,
        responses=SiteList,
        examples=[answered({"items": [SITE]})],
    )
    def get(self, request: Request) -> Response:
        parse_query(request, NoQuery)
        return Response({"items": [site_shape(row) for row in Site.objects.order_by("id")]})

    @extend_schema(
        operation_id="site_create",
        summary="Bring in a site's pages",
        description="A worker begins within seconds, and reads one page at a time: those that the sitemap lists on its own host and "
        f"`robots.txt` allows, {MOST_PAGES} at most. Each is an article that is known by its address.",
        tags=TAGS,
        request=SiteCreate,
        responses={201: SiteDetail},
        examples=[asked(BODY), answered({**SITE, "state": "waiting", "pages": dict.fromkeys(COUNTS, 0)}, 201)],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, SiteCreate)
        row = site_create(body.url, body.language)
        self.audit("site.created", row, {"url": row.url})
        return Response(site_shape(row), 201)


class SiteView(TenantAPIView):
    permissions = {"GET": "intents:read", "PATCH": "intents:write", "DELETE": "intents:write"}

    @extend_schema(
        operation_id="site_get",
        summary="One site",
        description="How far it is.",
        tags=TAGS,
        responses=SiteDetail,
        examples=[answered(SITE)],
    )
    def get(self, request: Request, site_id: uuid.UUID) -> Response:
        return Response(site_shape(site_get(site_id)))

    @extend_schema(
        operation_id="site_change",
        summary="Change a site's language",
        description="Of pages that do not say it, when they are read next.",
        tags=TAGS,
        request=SiteChange,
        responses=SiteDetail,
        examples=[asked({"language": "de"}), answered({**SITE, "language": "de"})],
    )
    def patch(self, request: Request, site_id: uuid.UUID) -> Response:
        given, row = parse_body(request, SiteChange).given(), site_get(site_id)
        row_change(row, given)
        self.audit("site.updated", row, {"fields": sorted(given)})
        return Response(site_shape(row))

    @extend_schema(
        operation_id="site_delete",
        summary="Follow a site no more",
        description="Its report goes; the articles that came of it stay.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, site_id: uuid.UUID) -> Response:
        row = site_get(site_id)
        self.audit("site.deleted", row)
        row.delete()
        return Response(status=204)


class SiteReadView(TenantAPIView):
    permissions = {"POST": "intents:write"}

    @extend_schema(
        operation_id="site_read",
        summary="Read a site again",
        description="What has not changed since leaves its article alone, as staff may have changed it; the article of a page that is "
        "gone is switched off. 409 `site_busy` while it is read.",
        tags=TAGS,
        request=None,
        responses=SiteDetail,
        examples=[answered({**SITE, "state": "waiting"})],
    )
    def post(self, request: Request, site_id: uuid.UUID) -> Response:
        row = site_get(site_id)
        site_again(row)
        self.audit("site.read", row)
        return Response(site_shape(row))


class SitePagesView(TenantAPIView):
    permissions = {"GET": "intents:read"}

    @extend_schema(
        operation_id="site_page_list",
        summary="What became of a site's pages",
        description="When it was read last, in the sitemap's order.",
        tags=TAGS,
        parameters=[SitePageQuery],  # type: ignore[list-item]
        responses=SitePages,
        examples=[answered(listed(PAGE))],
    )
    def get(self, request: Request, site_id: uuid.UUID) -> Response:
        query, site = parse_query(request, SitePageQuery), site_get(site_id)
        rows = SitePage.objects.filter(site=site)
        rows = rows.filter(status=query.status) if query.status else rows
        return Response(PAGES.answer(rows, query, shape=lambda page: [_page_shape(row) for row in page]))


def site_shape(row: Site) -> dict[str, Any]:
    names = ("id", "url", "language", "state", "code", "left_out", "read_at", "created_at")
    return {**{name: getattr(row, name) for name in names}, "pages": counts_of(row)}


def _page_shape(row: SitePage) -> dict[str, Any]:
    return {name: getattr(row, name) for name in SitePageItem.model_fields}
