"""A site's pages become articles: what its sitemap lists on its host and robots.txt allows, again only what has changed (AI-7)."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from assistant.knowledge.sites import reading, visiting
from assistant.knowledge.sites.models import Site, SitePage
from assistant.knowledge.sites.reading import counts_of, site_go_on, sites_go_on
from assistant.knowledge.sites.visiting import MOST_PAGES, Visit
from assistant.models import KnowledgeEntry
from channels_app.http.client import Download
from tenants.errors import Unprocessable
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.factories import MembershipFactory

HOST = "https://93.184.216.34"
MAP = f"{HOST}/sitemap.xml"
ROOT = "/api/v2/knowledge-sites"


class Web:
    """A site as the guarded client gives it: address → status, media type and bytes, or where it leads."""

    def __init__(self) -> None:
        self.pages: dict[str, Any] = {f"{HOST}/robots.txt": (404, "", b"")}
        self.asked: list[str] = []

    def put(self, path: str, said: str, title: str = "T") -> None:
        page = f"<html lang=en><h1>{title}</h1><p>{said}</p></html>"
        self.pages[HOST + path] = (200, "text/html; charset=latin-1", page.encode("latin-1"))

    def lists(self, *paths: str, at: str = MAP, modified: str = "", kind: str = "urlset", packed: bool = False) -> None:
        entry = "url" if kind == "urlset" else "sitemap"
        places = "".join(
            f"<{entry}><loc>{path if '//' in path else HOST + path}</loc><lastmod>{modified}</lastmod></{entry}>"
            for path in paths
        )
        told = f'<{kind} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{places}</{kind}>'.encode()
        self.pages[at] = (200, "application/xml", gzip.compress(told) if packed else told)

    @contextmanager
    def download(self, url: str, **_: Any) -> Iterator[Download]:
        self.asked.append(url)
        found = self.pages.get(url, (404, "", b""))
        if isinstance(found, str):
            url, found = found, self.pages[found]
        yield Download(url, found[0], {"Content-Type": found[1]}, iter([found[2]]))


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    made = Web()
    monkeypatch.setattr(visiting, "HttpClient", lambda **_: made)
    return made


def read(site: Site) -> dict[str, tuple[str, str]]:
    """Path → status and code, once all is read."""
    while site_go_on(site.id, lambda: True):
        pass
    site.refresh_from_db()
    return {page.url.removeprefix(HOST): (page.status, page.code) for page in SitePage.objects.filter(site=site)}


@pytest.mark.django_db
def test_again_only_what_has_changed_is_changed(scope: Any, web: Web) -> None:
    web.put("/a", "Größe: free", "Returns")
    web.put("/b", "By card.", "Payment")
    web.put("/c", "Gone soon.", "Sale")
    web.lists("/a", "/b", "/c")
    site = reading.site_create(MAP)
    assert set(read(site).values()) == {("created", "")} and site.state == "done"
    assert KnowledgeEntry.objects.get(title="Returns").answer == "Größe: free"
    assert KnowledgeEntry.objects.get(title="Returns").source_url == f"{HOST}/a"
    KnowledgeEntry.objects.filter(title="Returns").update(answer="Staff know better.")
    web.put("/b", "By card or invoice.", "Payment")
    web.lists("/a", "/b", "/d")
    reading.site_again(site)
    assert read(site) == {"/a": ("unchanged", ""), "/b": ("updated", ""), "/c": ("gone", ""), "/d": ("gone", "")}
    told = dict(KnowledgeEntry.objects.filter(enabled=True).values_list("title", "answer"))
    assert told == {"Returns": "Staff know better.", "Payment": "By card or invoice."}
    web.lists("/a", "/b", "/c")
    reading.site_again(site)
    read(site)
    assert KnowledgeEntry.objects.filter(enabled=True).count() == 3


@pytest.mark.django_db
def test_a_page_of_the_same_date_is_not_fetched_unless_it_was_refused(scope: Any, web: Web) -> None:
    web.put("/a", "x")
    web.lists("/a", "/broken", modified="2026-01-31")
    web.pages[f"{HOST}/broken"] = (200, "image/png", b"\x89PNG")
    site = reading.site_create(MAP)
    assert read(site)["/broken"] == ("refused", "format_unknown")
    web.asked.clear()
    reading.site_again(site)
    assert read(site)["/a"] == ("unchanged", "")
    assert f"{HOST}/a" not in web.asked and f"{HOST}/broken" in web.asked


@pytest.mark.django_db
def test_it_stays_on_its_host_and_where_robots_are_let_in(scope: Any, web: Web) -> None:
    web.pages[f"{HOST}/robots.txt"] = (200, "text/plain", b"User-agent: *\nDisallow: /*/cart$\n")
    web.put("/help", "x")
    web.put("/de/cart", "secret")
    web.pages[f"{HOST}/away"] = "https://evil.example/x"
    web.pages[f"{HOST}/round"] = f"{HOST}/de/cart"
    web.pages["https://evil.example/x"] = (200, "text/html", b"evil")
    web.lists("/help", "/de/cart", "/away", "/round", "https://evil.example/x")
    assert read(reading.site_create(MAP)) == {
        "/help": ("created", ""), "/de/cart": ("refused", "robots"), "/away": ("refused", "other_host"),
        "/round": ("refused", "robots"), "https://evil.example/x": ("refused", "other_host"),
    }  # fmt: skip
    assert "https://evil.example/x" not in web.asked and f"{HOST}/de/cart" not in web.asked


def test_an_index_leads_to_sitemaps_and_no_further(web: Web) -> None:
    web.lists("/one.xml.gz", "https://evil.example/s.xml", kind="sitemapindex")
    web.lists(*(f"/{n}" for n in range(MOST_PAGES + 2)), at=f"{HOST}/one.xml.gz", packed=True)
    found = Visit(MAP).pages()
    assert (len(found.pages), found.left_out) == (MOST_PAGES, 3)
    assert found.pages["https://evil.example/s.xml"].code == "other_host"
    web.lists("/", at=f"{HOST}/one.xml.gz", kind="sitemapindex")
    assert failed() == "sitemap_too_deep"


@pytest.mark.django_db
def test_a_sitemap_that_is_away_keeps_none_of_the_others_away(scope: Any, web: Web) -> None:
    """Nor are its pages taken for gone: an index with one dead sitemap was refused as a whole."""
    web.put("/a", "By card.")
    web.put("/b", "Within 60 days.", "Returns")
    web.lists("/one.xml", "/two.xml", kind="sitemapindex")
    web.lists("/a", at=f"{HOST}/one.xml")
    web.lists("/b", at=f"{HOST}/two.xml")
    site = reading.site_create(MAP)
    assert read(site) == {"/a": ("created", ""), "/b": ("created", "")}
    web.pages[f"{HOST}/two.xml"] = (503, "", b"")
    reading.site_again(site)
    assert read(site) == {"/a": ("unchanged", ""), "/b": ("created", ""), "/two.xml": ("refused", "sitemap_away")}
    assert KnowledgeEntry.objects.filter(enabled=True).count() == 2
    web.lists("/b", at=f"{HOST}/two.xml")
    reading.site_again(site)
    assert "/two.xml" not in read(site)


@pytest.mark.django_db
def test_a_sitemap_of_lines_is_one(scope: Any, web: Web) -> None:
    web.put("/a", "By card.")
    web.pages[MAP] = (200, "text/plain", f"\ufeff{HOST}/a\r\nhttps://evil.example/x\r\n".encode())
    assert read(reading.site_create(MAP)) == {
        "/a": ("created", ""),
        "https://evil.example/x": ("refused", "other_host"),
    }


@pytest.mark.django_db
def test_a_page_says_its_language_and_the_site_that_of_others(scope: Any, web: Web) -> None:
    """German pages of a site whose language is English became English articles."""
    web.put("/plain", "By card.")
    web.pages[f"{HOST}/de"] = (200, "text/html", b"<html lang='de-AT'><h1>Zahlung</h1><p>Mit Karte.</p>")
    web.pages[f"{HOST}/none"] = (200, "text/html", b"<h1>Shops</h1><p>In Berlin.</p>")
    web.lists("/plain", "/de", "/none")
    read(reading.site_create(MAP, "fr"))
    assert dict(KnowledgeEntry.objects.values_list("title", "language")) == {"T": "en", "Zahlung": "de", "Shops": "fr"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "head",
    [
        "<meta name='robots' content='noindex, nofollow'>",
        '<META content="none" NAME=Robots>',
        "<meta name=chatsvc content=noindex>",
    ],
)
def test_a_page_that_asks_to_be_left_out_is(scope: Any, web: Web, head: str) -> None:
    web.put("/a", f"{head}Internal.")
    web.put("/b", "<meta name=description content='what none other has'>By card.")
    web.lists("/a", "/b")
    assert read(reading.site_create(MAP)) == {"/a": ("refused", "noindex"), "/b": ("created", "")}


@pytest.mark.django_db
def test_what_two_pages_say_alike_is_one_article(scope: Any, web: Web) -> None:
    for path in ("/a", "/a?utm=1"):
        web.put(path, "By card.")
    web.put("/b", "By invoice.")  # of the same title
    web.lists("/a", "/a?utm=1", "/b")
    site = reading.site_create(MAP)
    assert read(site) == {"/a": ("created", ""), "/a?utm=1": ("refused", "duplicate"), "/b": ("created", "")}
    web.lists("/a?utm=1", "/b")
    reading.site_again(site)
    assert read(site) == {"/a": ("gone", ""), "/a?utm=1": ("created", ""), "/b": ("unchanged", "")}
    assert set(KnowledgeEntry.objects.filter(enabled=True).values_list("answer", flat=True)) == {
        "By card.",
        "By invoice.",
    }


@pytest.mark.django_db
def test_a_page_that_changes_its_language_or_asks_to_be_left_out_leaves_no_article_behind(scope: Any, web: Web) -> None:
    web.put("/a", "By card.")
    web.lists("/a")
    site = reading.site_create(MAP)

    def told() -> list[tuple[str, str]]:
        reading.site_again(site)
        read(site)
        return list(KnowledgeEntry.objects.filter(enabled=True).values_list("answer", "language"))

    read(site)
    web.pages[f"{HOST}/a"] = (200, "text/html", b"<html lang=de><h1>T</h1><p>Mit Karte.")
    assert told() == [("Mit Karte.", "de")]
    german = web.pages[f"{HOST}/a"][2]
    web.pages[f"{HOST}/a"] = (200, "text/html", german + b"<meta name=robots content=noindex>")
    assert (told(), told()) == ([], [])
    web.pages[f"{HOST}/a"] = (200, "text/html", german)
    assert told() == [("Mit Karte.", "de")]


def failed() -> str:
    with pytest.raises(visiting.SiteError) as error:
        Visit(MAP).pages()
    return error.value.code


BOMB = b'<!DOCTYPE u [<!ENTITY a "aaaa">]><urlset><url><loc>&a;</loc></url></urlset>'


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ((500, "", b""), "sitemap_away"),
        ((200, "", b"<html>no"), "sitemap_broken"),
        ((200, "", b"<html/>"), "sitemap_broken"),
        ((200, "", BOMB), "sitemap_broken"),
        ((200, "", b"<urlset/>"), "sitemap_empty"),
        ((200, "", b"<rss><channel/></rss>"), "sitemap_empty"),
        ((200, "", gzip.compress(bytes(visiting.MOST_OF_MAP + 1))), "sitemap_too_large"),
        ((200, "", b"\x1f\x8bno"), "sitemap_broken"),
    ],
)
def test_what_is_no_sitemap_is_refused(web: Web, said: Any, code: str) -> None:
    web.pages[MAP] = said
    assert failed() == code


RSS = f"""<rss version="2.0"><channel><link>{HOST}/</link><item><title>New</title><link>{HOST}/a</link>
<pubDate>Mon, 30 Nov 2026 10:00:00 GMT</pubDate></item><item><title>No link</title></item></channel></rss>"""
ATOM = f"""<feed xmlns="http://www.w3.org/2005/Atom"><link href="{HOST}/"/><entry><link rel="enclosure" href="{HOST}/a.mp3"/>
<link rel="alternate" href="{HOST}/a"/><updated>2026-11-30T10:00:00Z</updated></entry></feed>"""


@pytest.mark.django_db
@pytest.mark.parametrize(("feed", "modified"), [(RSS, "Mon, 30 Nov 2026 10:00:00 GMT"), (ATOM, "2026-11-30T10:00:00Z")])
def test_a_feed_lists_the_newest_pages_and_takes_none_for_gone(scope: Any, web: Web, feed: str, modified: str) -> None:
    """The protocol of sitemaps allows RSS and Atom, which tell of the newest pages alone."""
    web.put("/a", "Said.", "New")
    web.put("/old", "Still right.", "Old")
    web.lists("/a", "/old")
    site = reading.site_create(MAP)
    assert read(site) == {"/a": ("created", ""), "/old": ("created", "")}
    web.pages[MAP] = (200, "application/xml", feed.encode())
    assert [(one.url, one.modified) for one in Visit(MAP).pages().pages.values()] == [(f"{HOST}/a", modified)]
    reading.site_again(site)
    assert (read(site)["/old"], KnowledgeEntry.objects.filter(enabled=True).count()) == (("created", ""), 2)


def test_a_private_address_is_not_called() -> None:
    with pytest.raises(visiting.SiteError) as refused:
        Visit("http://127.0.0.1:9/sitemap.xml").pages()
    assert refused.value.code == "address_blocked"


@pytest.mark.parametrize("charset", ["punycode", "idna", "utf-7", "zlib", "unicode_escape", "no-such"])
def test_an_encoding_that_no_page_has_is_not_tried(web: Web, charset: str) -> None:
    """Python's punycode takes the square of the length: five megabytes held a worker for hours."""
    web.pages[f"{HOST}/a"] = (200, f"text/html; charset={charset}", b"<h1>T</h1><p>" + b"a-99" * 500_000)
    with pytest.raises(Unprocessable) as refused:
        Visit(MAP).article(f"{HOST}/a", "")
    assert refused.value.code == "document_broken"


def test_a_page_declares_its_encoding_where_the_server_does_not(web: Web) -> None:
    page = "<meta charset=windows-1252><h1>T</h1><p>Rückgabe ab 39 €</p>"
    web.pages[f"{HOST}/a"] = (200, "text/html", page.encode("cp1252"))
    assert [article.answer for article in Visit(MAP).article(f"{HOST}/a", "")] == ["Rückgabe ab 39 €"]


def test_robots_with_a_mark_at_its_beginning_are_obeyed(web: Web) -> None:
    web.lists("/a")
    web.pages[f"{HOST}/robots.txt"] = (200, "text/plain", "\ufeffUser-agent: *\nDisallow: /a".encode())
    assert [listed.code for listed in Visit(MAP).pages().pages.values()] == ["robots"]


@pytest.mark.parametrize("charset", ["UTF-8", "windows-1252", "iso-8859-15", "latin1", "utf-16", "us-ascii"])
def test_encodings_of_pages_are_read(web: Web, charset: str) -> None:
    web.pages[f"{HOST}/a"] = (200, f"text/html; charset={charset}", "<h1>T</h1><p>said</p>".encode(charset))
    assert [article.answer for article in Visit(MAP).article(f"{HOST}/a", "")] == ["said"]


def test_robots_that_cannot_be_had_let_nothing_in(web: Web) -> None:
    web.lists("/a")
    web.pages[f"{HOST}/robots.txt"] = (503, "", b"")
    assert failed() == "robots_away"


@pytest.mark.django_db
def test_a_site_that_lists_nothing_any_more_takes_nothing_away(scope: Any, web: Web) -> None:
    web.put("/a", "x")
    web.lists("/a")
    site = reading.site_create(MAP)
    read(site)
    web.pages[MAP] = (200, "", b"<urlset/>")
    reading.site_again(site)
    assert read(site) == {"/a": ("created", "")}
    assert (site.state, site.code, KnowledgeEntry.objects.get().enabled) == ("failed", "sitemap_empty", True)


@pytest.mark.django_db
def test_workers_share_sites_and_none_is_read_by_two(scope: Any, other_tenant: Any, web: Web) -> None:
    web.put("/a", "x")
    web.put("/b", "y")
    web.lists("/a", "/b")
    site = reading.site_create(MAP)
    site_go_on(site.id, lambda: False)  # listed, and the time is over
    SitePage.objects.filter(url=f"{HOST}/b").update(status="reading")  # at this page a worker ended
    Site.objects.filter(id=site.id).update(claim=other_tenant.id, due_at=now() + reading.LEASE)
    assert site_go_on(site.id, lambda: True) == 0
    Site.objects.filter(id=site.id).update(due_at=now())
    changed: list[Any] = []
    assert sites_go_on(lambda: True, changed.append) == 1
    assert (read(site)["/b"], changed) == (("refused", "worker_lost"), [scope.id])
    with tenant_scope(other_tenant.id):
        assert not KnowledgeEntry.objects.exists() and not SitePage.objects.exists()


@pytest.mark.django_db
def test_by_rest_and_command(tenant: Any, scope: Any, other_tenant: Any, api: Any, web: Web, capsys: Any) -> None:
    client = api(tenant)
    web.put("/a", "x")
    web.lists("/a", "/b")
    made = client.data_of(client.post(ROOT, {"url": MAP, "language": "en"}))
    assert (made["state"], client.post(ROOT, {"url": MAP}).status_code) == ("waiting", 409)
    where = f"{ROOT}/{made['id']}"
    assert client.post(f"{where}/read", {}).json()["error"]["code"] == "site_busy"
    call_command("import_site", MAP, tenant=tenant.slug)
    assert "1 created, 1 gone" in capsys.readouterr().out
    assert client.data_of(client.get(where))["pages"] == counts_of(Site.objects.get())
    shown = client.data_of(client.get(f"{where}/pages?status=created"))["items"]
    assert [(one["url"], one["article_id"]) for one in shown] == [(f"{HOST}/a", str(KnowledgeEntry.objects.get().id))]
    assert client.post(f"{where}/read", {}).status_code == 200
    stranger = api(other_tenant)
    assert [stranger.get(where).status_code, stranger.delete(where).status_code] == [404, 404]
    for url, code in (("https://127.0.0.1/s.xml", "url_not_public"), ("ftp://x/s.xml", "invalid_url")):
        assert client.post(ROOT, {"url": url}).json()["error"]["details"][0]["code"] == code
    with pytest.raises(CommandError):
        call_command("import_site", "https://127.0.0.1/s.xml", tenant=tenant.slug)
    assert client.delete(where).status_code == 204 and KnowledgeEntry.objects.count() == 1
    actions = AuditEntry.objects.filter(action__startswith="site.").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["site.created", "site.read", "site.read", "site.deleted"]


@pytest.mark.django_db
def test_in_the_console(tenant: Any, scope: Any, other_tenant: Any, client: Any) -> None:
    member = MembershipFactory(tenant=tenant, role__permissions=["intents:read", "intents:write"])
    member.user.is_staff = True
    member.user.save()
    client.force_login(member.user)
    page = "/admin/assistant/site/"
    refused = client.post(f"{page}add/", {"tenant": str(tenant.id), "url": "https://127.0.0.1/s.xml", "language": ""})
    assert "not on the public internet" in refused.content.decode()
    foreign = client.post(f"{page}add/", {"tenant": str(other_tenant.id), "url": MAP, "language": ""})
    assert foreign.status_code == 200 and not Site.objects.unscoped().exists()  # unscoped: of both
    assert client.post(f"{page}add/", {"tenant": str(tenant.id), "url": MAP, "language": "de"}).status_code == 302
    site = Site.objects.get()
    assert (site.language, site.state) == ("de", "waiting")
    SitePage.objects.create(tenant=tenant, site=site, url=f"{HOST}/seen", status="refused", code="robots")
    assert "1 refused" in client.get(page).content.decode()
    report = client.get(f"/admin/assistant/sitepage/?site__id__exact={site.id}").content.decode()
    assert f"{HOST}/seen" in report and "robots" in report
