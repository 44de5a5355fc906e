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
from xml.etree.ElementTree import Element, ParseError, SubElement

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from protego import Protego

from assistant.knowledge.documents import Article, articles_of, most_bytes
from assistant.knowledge.page import UNLISTED, is_unlisted
from channels_app.contract import SendError
from channels_app.http.client import USER_AGENT, HttpClient, authority
from channels_app.services import outbound_hosts

MOST_PAGES = 500  # of a site
MOST_MAPS = 20  # sitemaps of an index
MOST_OF_MAP = 5 * 1024 * 1024  # bytes, unpacked
MOST_OF_ROBOTS = 512 * 1024
MOST_OF_HEAD = 64 * 1024  # of a page, in which it may ask to be left out
FILE_S = 10.0
LONGEST = 2048
#: roots of a file that lists pages; the latter, which the protocol of sitemaps allows as well, list the newest alone
LISTS, FEEDS = frozenset({"urlset", "rss", "RDF", "feed"}), frozenset({"rss", "RDF", "feed"})
#: media type → the ending that such a document has
FORMATS = {
    "text/html": ".html", "application/xhtml+xml": ".html", "text/plain": ".txt", "text/markdown": ".md",
    "application/pdf": ".pdf",
}  # fmt: skip

DATES = ("lastmod", "updated", "pubDate", "date")  # of an entry


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
    """``left_out``: pages beyond MOST_PAGES. ``whole``: False where one of its sitemaps could not be read, or is a feed."""

    pages: dict[str, Listed] = field(default_factory=dict)
    left_out: int = 0
    whole: bool = True

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
        """What the sitemap lists, of this host. An index leads to other sitemaps, not to further indexes; one of them that
        cannot be read is listed with the reason."""
        found = Map()
        root = self._map(self._url)
        if _name(root) in LISTS:
            self._add(found, root)
        else:
            places = [place for place, _ in _places(root)]
            if len(places) > MOST_MAPS:
                raise SiteError("too_many_sitemaps")
            for one in [self._read_or_listed(found, place) for place in places]:
                self._add(found, one)
            if not found.whole and all(one.code for one in found.pages.values()):
                raise SiteError(
                    next((one.code for one in found.pages.values() if one.code != "other_host"), "other_host")
                )
        if not found.pages:
            raise SiteError("sitemap_empty")
        return found

    def _read_or_listed(self, found: Map, place: str) -> Element | None:
        """A sitemap of the index; None, and why stands among the pages, where it cannot be read."""
        code, root = "" if self._here(place) else "other_host", None
        if not code:
            try:
                root = self._map(place)
                code = "" if _name(root) in LISTS else "sitemap_too_deep"
            except SiteError as error:
                code = error.code
        if not code:
            return root
        found.whole = found.whole and code == "other_host"
        found.add(Listed(place[:LONGEST], code=code))
        return None

    def _add(self, found: Map, root: Element | None) -> None:
        if root is None:
            return
        found.whole = found.whole and _name(root) not in FEEDS
        for place, modified in _places(root):
            found.add(self._listed(place, modified))

    def article(self, url: str, language: str) -> list[Article]:
        """Of one page. Also raises ServiceError, as documents are refused."""
        status, headers, data = self._fetched(url, most_bytes("page.pdf"), page=True)
        if status in (404, 410):
            raise SiteError("gone")
        if status != 200:
            raise SiteError(f"http_{status}")
        told = Message()
        told["content-type"] = headers.get("content-type") or "text/html"
        ending = FORMATS.get(told.get_content_type(), "")
        unlisted = UNLISTED.search(headers.get("x-robots-tag", ""))
        if unlisted or (ending == ".html" and is_unlisted(data[:MOST_OF_HEAD].decode("latin-1"))):
            raise SiteError("noindex")
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
            root: Element = _of_lines(data) or fromstring(data)
        except (ParseError, DefusedXmlException, zlib.error, ValueError):
            raise SiteError("sitemap_broken") from None
        if _name(root) not in LISTS | {"sitemapindex"}:
            raise SiteError("sitemap_broken")
        return root

    def _fetched(self, url: str, most: int, *, page: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by their names in small letters, and bytes; of a page only where redirects end on this host, and where its robots.txt allows."""
        try:
            with self._client.download(url, max_bytes=most, total_s=FILE_S) as file:
                if page and not self._here(file.url):
                    raise SiteError("other_host")
                if page and file.url != url and not self._allowed(file.url):
                    raise SiteError("robots")
                headers = {name.lower(): value for name, value in file.headers.items()}
                return file.status, headers, b"".join(file.chunks)
        except SendError as error:
            raise SiteError("document_too_large" if error.code == "too_large" else error.code) from error


def _of_lines(data: bytes) -> Element | None:
    """A sitemap of mere addresses, one a line, as if it were XML; None where it is not one."""
    if not data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"http"):
        return None
    root = Element("urlset")
    for line in data.decode("utf-8-sig", "replace").split():
        SubElement(SubElement(root, "url"), "loc").text = line
    return root


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _places(root: Element) -> Iterator[tuple[str, str]]:
    """Address and date of each entry: of a sitemap, an index, RSS or Atom."""
    entries = (one for one in root.iter() if _name(one) in ("item", "entry")) if _name(root) in FEEDS else root
    for entry in entries:
        told: dict[str, str] = {}
        for part in entry:
            if part.get("rel", "alternate") == "alternate":  # Atom links to a picture or the comments, too
                told.setdefault(_name(part), (part.text or "").strip() or part.get("href", "").strip())
        place = told.get("loc") or told.get("link", "")
        if place:
            yield place, next(filter(None, map(told.get, DATES)), "")
