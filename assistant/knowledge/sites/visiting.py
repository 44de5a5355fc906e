"""A site as it is visited: what its robots.txt allows, the pages that its sitemap lists, one page.

Owns the bounds of what is fetched. Everything goes through the guarded client, and stays on the sitemap's host. Must not touch
the database.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from protego import Protego

from assistant.knowledge.documents import Article, articles_of, most_bytes
from channels_app.contract import SendError
from channels_app.http.client import USER_AGENT, HttpClient, authority
from channels_app.services import outbound_hosts

MOST_PAGES = 500  # of a site
MOST_MAPS = 20  # sitemaps of an index
MOST_OF_MAP = 5 * 1024 * 1024  # bytes, unpacked
MOST_OF_ROBOTS = 512 * 1024
FILE_S = 10.0
LONGEST = 2048
#: media type → the ending that such a document has
FORMATS = {
    "text/html": ".html", "application/xhtml+xml": ".html", "text/plain": ".txt", "text/markdown": ".md",
    "application/pdf": ".pdf",
}  # fmt: skip


class SiteError(Exception):
    """The site, or a page, cannot be read. ``code`` is stable."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Listed:
    """A page of the sitemap. ``modified``: the date as it stands there; ``code``: why it is not to be read."""

    url: str
    modified: str = ""
    code: str = ""


@dataclass
class Map:
    """``left_out``: pages beyond MOST_PAGES."""

    pages: dict[str, Listed] = field(default_factory=dict)
    left_out: int = 0

    def add(self, one: Listed) -> None:
        if one.url in self.pages or not one.url:
            return
        if len(self.pages) < MOST_PAGES:
            self.pages[one.url] = one
        else:
            self.left_out += 1


class Visit:
    """To the site of a sitemap. Every method raises SiteError."""

    def __init__(self, url: str, client: HttpClient | None = None):
        self._url = url
        self._client = client or HttpClient(allow_hosts=outbound_hosts(), read_s=FILE_S, total_s=FILE_S)
        self._rules: Protego | None = None

    def pages(self) -> Map:
        """What the sitemap lists, of this host. An index leads to other sitemaps, not to further indexes."""
        found = Map()
        root = self._map(self._url)
        maps = [root] if _name(root) == "urlset" else []
        if not maps:
            places = [place for place, _ in _places(root)]
            if len(places) > MOST_MAPS:
                raise SiteError("too_many_sitemaps")
            for place in places:
                if not self._here(place):
                    found.add(Listed(place[:LONGEST], code="other_host"))
            maps = [self._map(place) for place in places if self._here(place)]
        for one in maps:
            if _name(one) != "urlset":
                raise SiteError("sitemap_too_deep")
            for place, modified in _places(one):
                found.add(self._listed(place, modified))
        if not found.pages:
            raise SiteError("sitemap_empty")
        return found

    def article(self, url: str, language: str) -> list[Article]:
        """Of one page. Also raises ServiceError, as documents are refused."""
        status, kind, data = self._fetched(url, most_bytes("page.pdf"), page=True)
        if status in (404, 410):
            raise SiteError("gone")
        if status != 200:
            raise SiteError(f"http_{status}")
        told = Message()
        told["content-type"] = kind or "text/html"
        ending = FORMATS.get(told.get_content_type(), "")
        name = urlsplit(url).path.rstrip("/").rpartition("/")[2].partition(".")[0] or urlsplit(url).hostname or "page"
        charset = str(told.get_content_charset(""))
        return articles_of(f"{name}{ending}", data, language=language, url=url, charset=charset)

    def _listed(self, place: str, modified: str) -> Listed:
        code = "" if self._here(place) else "other_host"
        if not code and not self._allowed(place):
            code = "robots"
        return Listed(place[:LONGEST], modified[:40], code if len(place) <= LONGEST else "address_too_long")

    def _here(self, url: str) -> bool:
        return bool(authority(url)) and authority(url) == authority(self._url)

    def _allowed(self, url: str) -> bool:
        """By robots.txt (RFC 9309): one that is missing allows all, one that cannot be had nothing."""
        if self._rules is None:
            status, _, data = self._fetched(urljoin(self._url, "/robots.txt"), MOST_OF_ROBOTS)
            if status >= 500 or status == 429:
                raise SiteError("robots_away")
            self._rules = Protego.parse(data.decode("utf-8-sig", "replace") if status == 200 else "")
        return bool(self._rules.can_fetch(url, USER_AGENT.partition("/")[0]))

    def _map(self, url: str) -> Element:
        status, _, data = self._fetched(url, MOST_OF_MAP)
        if status != 200:
            raise SiteError("sitemap_away")
        try:
            if data.startswith(b"\x1f\x8b"):
                unpack = zlib.decompressobj(wbits=31)
                data = unpack.decompress(data, MOST_OF_MAP + 1)
            if len(data) > MOST_OF_MAP:
                raise SiteError("sitemap_too_large")
            root: Element = fromstring(data)
        except (ParseError, DefusedXmlException, zlib.error, ValueError):
            raise SiteError("sitemap_broken") from None
        if _name(root) not in ("urlset", "sitemapindex"):
            raise SiteError("sitemap_broken")
        return root

    def _fetched(self, url: str, most: int, *, page: bool = False) -> tuple[int, str, bytes]:
        """Status, media type and bytes; of a page only where redirects end on this host, and where its robots.txt allows."""
        try:
            with self._client.download(url, max_bytes=most, total_s=FILE_S) as file:
                if page and not self._here(file.url):
                    raise SiteError("other_host")
                if page and file.url != url and not self._allowed(file.url):
                    raise SiteError("robots")
                headers = {name.lower(): value for name, value in file.headers.items()}
                return file.status, headers.get("content-type", ""), b"".join(file.chunks)
        except SendError as error:
            raise SiteError("document_too_large" if error.code == "too_large" else error.code) from error


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _places(root: Element) -> Iterator[tuple[str, str]]:
    """Address and date of each entry."""
    for entry in root:
        told = {_name(part): (part.text or "").strip() for part in entry}
        if told.get("loc"):
            yield told["loc"], told.get("lastmod", "")
