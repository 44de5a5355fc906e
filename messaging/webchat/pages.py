"""The page that a visitor is on, as their client tells it where the channel asks for it (WEB-2, ADM-2).

Owns what of an address is kept, and where: with the visit that exists, so that it is exported and erased with it. A
visitor who has not written has none, and nothing is written of them. Of several windows the one that spoke last counts.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet

from channels_app.adapters.web import WebConfig
from channels_app.models import Channel
from channels_app.words.moments import written
from conversations.models import Identity, Session
from messaging.webchat.rules import Visitor
from tenants.access.limits import allow
from tenants.errors import Invalid, TooMany
from tenants.storage.db import now

LONGEST = 1000  # characters of what is kept
EVERY_S, AT_ONCE = 1.0, 30  # of one visitor: pages that are told
KEYS = ("page", "page_at", "page_left")  # of Session.device


def page_cut(config: WebConfig, address: str) -> str:
    """What is kept of an address: no user name or password, and query string and fragment only where the channel says so.

    Raises Invalid ``page_not_wanted`` (the channel asks for none) or ``invalid_page``: it is no http(s) address of one of
    the channel's sites, or longer than LONGEST.
    """
    if not config.pages:
        raise Invalid("This chat asks for no pages.", code="page_not_wanted")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("http", "https") or not (address.isascii() and address.isprintable()):
        raise _invalid("A page has an http or https address.")
    place = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{place}{f':{port}' if port else ''}"
    if not config.allows(origin):  # staff follow it as a link
        raise _invalid("The page is not of a site that may show this chat.")
    full = config.pages == "full"
    query, fragment = (f"?{parts.query}" if parts.query else "", f"#{parts.fragment}" if parts.fragment else "")
    kept = f"{origin}{parts.path or '/'}{query if full else ''}{fragment if full else ''}"
    if len(kept) > LONGEST or " " in kept:
        raise _invalid(f"A page's address has at most {LONGEST} characters.")
    return kept


def page_admit(channel: Channel, visitor: Visitor) -> None:
    """Raises TooMany."""
    key = f"webchat:page:{channel.id}:{visitor.key}"
    wait = allow(key, 1 / EVERY_S, AT_ONCE) if settings.ENV["ENABLE_RATE_LIMITING"] else 0
    if wait:
        raise TooMany("Too many pages; wait a little.", retry_after=wait)


def page_keep(channel: Channel, visitor: Visitor, page: str) -> str:
    """Keep with the visit that the visitor is on ``page``, of `page_cut`. Returns since when, "" without a visit."""
    visit = _visits(channel, visitor).first()
    if visit is None:
        return ""
    at = now()
    since = written(at)
    device = {
        **{name: value for name, value in visit.device.items() if name not in KEYS},
        "page": page,
        "page_at": since,
    }
    kept = Session.objects.filter(id=visit.id, ended_at=None).update(device=device, last_seen_at=at)
    return since if kept else ""


def page_left(channel: Channel, visitor: Visitor, since: str) -> bool:
    """The window is gone that was on a page ``since``. Whether that was news: another may have spoken since."""
    its = _visits(channel, visitor).filter(device__page_at=since)
    visit = its.first()
    return bool(visit and its.filter(id=visit.id).update(device={**visit.device, "page_left": True}))


def _visits(channel: Channel, visitor: Visitor) -> QuerySet[Session]:
    of = {"scheme": visitor.scheme, "scope": "", "value": visitor.id}
    contact_id = Identity.objects.filter(channel=channel, **of).values_list("contact_id", flat=True).first()
    key = (visitor.session_key or "default")[:64]
    return Session.objects.filter(channel=channel, contact_id=contact_id, key=key, ended_at=None)


def _invalid(message: str) -> Invalid:
    return Invalid(message, code="invalid_page")
