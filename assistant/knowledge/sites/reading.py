"""Sites are read in the background, page by page: what has changed becomes articles, what is gone is switched off.

Owns the rules on the rows of sites and their pages, and who reads which site. A page that says what it said when it was read
last leaves its article alone: what staff have changed there stays.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog
from django.conf import settings

from assistant.knowledge.articles import articles_bring
from assistant.knowledge.documents import Article
from assistant.knowledge.sites.models import Site, SitePage
from assistant.knowledge.sites.visiting import Map, SiteError, Visit
from assistant.models import KnowledgeEntry
from channels_app.http.addresses import BadAddress, address_check
from channels_app.http.waiting import asking
from channels_app.services import outbound_hosts
from tenants.errors import Conflict, Invalid, NotFound, ServiceError, Unprocessable
from tenants.scope import current_tenant_id, tenant_scope
from tenants.storage.batches import Failures, More
from tenants.storage.db import atomic, now
from tenants.work.leases import claim_by_id, lease_longer, settle

log = structlog.get_logger(__name__)

MOST = 20  # sites of a tenant
LEASE = timedelta(minutes=5)  # more than a page may take
AT_A_TIME = 20  # pages of a site; then it is another's turn
READ = (SitePage.Status.CREATED, SitePage.Status.UPDATED, SitePage.Status.UNCHANGED)


def site_get(site_id: uuid.UUID) -> Site:
    """Raises NotFound ``site_not_found``."""
    row: Site | None = Site.objects.filter(id=site_id).first()
    if row is None:
        raise NotFound("There is no such site.", code="site_not_found")
    return row


def site_check(url: str) -> None:
    """Whether it may be one of the tenant's. Raises Invalid with the field and why, TooMany ``busy``, Conflict ``site_exists``,
    Unprocessable ``too_many_sites``."""
    try:
        with asking():
            address_check(url, allowed=outbound_hosts(), https=not settings.DEBUG)
    except BadAddress as error:
        raise Invalid(details=[{"field": "url", "message": str(error), "code": error.code}]) from error
    if Site.objects.filter(url=url).exists():
        raise Conflict("The pages of this sitemap are brought in already: read it again.", code="site_exists")
    if Site.objects.count() >= MOST:
        raise Unprocessable(f"A tenant has at most {MOST} sites.", code="too_many_sites")


def site_create(url: str, language: str = "") -> Site:
    """To be read by a worker within seconds. Raises as `site_check`."""
    site_check(url)
    row: Site = Site.objects.create(tenant_id=current_tenant_id(), url=url, language=language)
    return row


def site_again(row: Site) -> None:
    """Read it once more. Raises Conflict ``site_busy`` while it is read."""
    closed = Site.objects.filter(id=row.id).exclude(state__in=Site.OPEN)
    if not closed.update(state=Site.State.WAITING, code="", due_at=now(), claim=None):
        raise Conflict("The site is being read.", code="site_busy")
    row.refresh_from_db()


def counts_of(row: Site) -> dict[str, int]:
    """Status → pages."""
    found = Counter(SitePage.objects.filter(site=row).values_list("status", flat=True))
    return {status: found[status] for status in SitePage.Status.values}


def sites_go_on(more: More, changed: Callable[[uuid.UUID], object]) -> int:
    """Read what is due, some pages of each site; ``changed`` is told the tenant whose articles are other ones. How many pages."""
    count, failures = 0, Failures()
    # unscoped: of all tenants; each is read inside its own scope
    due = Site.objects.unscoped().filter(state__in=Site.OPEN, due_at__lte=now()).order_by("due_at", "id")
    for row_id, tenant_id in list(due.values_list("id", "tenant_id")[:200]):
        if more():
            with failures.apart(tenant=str(tenant_id)), tenant_scope(tenant_id):
                pages = site_go_on(row_id, more)
                if pages:
                    changed(tenant_id)
                count += pages
    failures.tell()
    return count


def site_go_on(site_id: uuid.UUID, more: More, visit: Visit | None = None) -> int:
    """How many pages were read: 0 where it is not due, or another worker's."""
    site = claim_by_id(Site, site_id, LEASE)
    if site is None:
        return 0
    visit = visit or Visit(site.url)
    try:
        if site.state == Site.State.WAITING:
            _list(site, visit.pages())
    except SiteError as error:
        settle(site, state=Site.State.FAILED, code=error.code)
        log.info("site_unreadable", site_id=str(site.id), reason=error.code)
        return 0
    count = _read_some(site, visit, more)
    left = SitePage.objects.filter(site=site, status__in=(SitePage.Status.WAITING, SitePage.Status.READING)).exists()
    done = {} if left else {"state": Site.State.DONE, "read_at": now()}
    settle(site, due_at=now(), **done)
    return count


def _list(site: Site, found: Map) -> None:
    """The rows of pages follow the sitemap."""
    with atomic():
        known = {page.url: page for page in SitePage.objects.filter(site=site)}
        for listed in found.pages.values():
            page = known.pop(listed.url, None) or SitePage(tenant_id=site.tenant_id, site=site, url=listed.url)
            same = page.status in READ and listed.modified and page.modified == listed.modified
            page.code = "gone" if page.status == SitePage.Status.GONE else page.code if page.code == "noindex" else ""
            page.status = SitePage.Status.UNCHANGED if same else SitePage.Status.WAITING
            if listed.code:
                page.status, page.code = SitePage.Status.REFUSED, listed.code
            elif not same:
                page.modified = listed.modified
            page.save()
        for page in known.values() if found.whole else ():
            if page.article_id:
                _gone(page)
            else:
                page.delete()
        Site.objects.filter(id=site.id, claim=site.claim).update(state=Site.State.READING, left_out=found.left_out)
    site.state = Site.State.READING


def _read_some(site: Site, visit: Visit, more: More) -> int:
    # what a worker was reading when it ended is not read again: it may be what ended it
    lost = SitePage.objects.filter(site=site, status=SitePage.Status.READING)
    lost.update(status=SitePage.Status.REFUSED, code="worker_lost", modified="")
    count = 0
    waiting = SitePage.objects.filter(site=site, status=SitePage.Status.WAITING).order_by("id")
    for page in list(waiting[:AT_A_TIME]):
        if not more() or not lease_longer(site, LEASE):
            break
        SitePage.objects.filter(id=page.id).update(status=SitePage.Status.READING)
        _read(page, site.language, visit)
        count += 1
    return count


def _read(page: SitePage, language: str, visit: Visit) -> None:
    try:
        found = visit.article(page.url, language)
        with atomic():
            _kept(page, found)
    except (SiteError, ServiceError) as error:
        if error.code == "gone":
            _gone(page)
        elif error.code == "noindex":
            _gone(page, status=SitePage.Status.REFUSED, code=error.code)
        else:
            _settled(page, status=SitePage.Status.REFUSED, code=error.code, modified="")


def _kept(page: SitePage, found: Sequence[Article]) -> None:
    digest = hashlib.sha256(repr(found).encode()).hexdigest()
    if page.digest == digest:
        _settled(page, status=SitePage.Status.UNCHANGED, code="")
    elif page.article_id is None and _is_there(page, found):
        raise SiteError("duplicate")
    else:
        [done] = articles_bring(found)
        if page.article_id not in (None, done.entry.id):  # it is in another language now
            _switched(page, on=False)
            page.article_id = done.entry.id
        _settled(page, status=done.status, code="", digest=digest, article_id=done.entry.id)
    if page.code in ("gone", "noindex"):
        _switched(page, on=True)


def _is_there(page: SitePage, found: Sequence[Article]) -> bool:
    """Whether another page of the site says the same: twice in an answer it would take the place of something else."""
    others = SitePage.objects.filter(site=page.site_id, status__in=READ, article_id__isnull=False).exclude(id=page.id)
    told = KnowledgeEntry.objects.filter(title=found[0].title, language=found[0].language, enabled=True)
    same = [row_id for row_id, answer in told.values_list("id", "answer") if answer == found[0].answer]
    return bool(same) and others.filter(article_id__in=same).exists()


def _gone(page: SitePage, status: str = SitePage.Status.GONE, code: str = "") -> None:
    """Its article is told no more; staff may switch it on again, or delete it."""
    with atomic():
        if page.status != SitePage.Status.GONE and page.code not in ("gone", "noindex"):
            _switched(page, on=False)
        _settled(page, status=status, code=code, modified="")


def _switched(page: SitePage, *, on: bool) -> None:
    KnowledgeEntry.objects.filter(id=page.article_id).update(enabled=on, updated_at=now())


def _settled(page: SitePage, **changes: object) -> None:
    SitePage.objects.filter(id=page.id).update(**changes)
