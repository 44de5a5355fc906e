"""What brought a person to the page: an m.me link, an advertisement, a product, a story, a plug-in on a website.

Owns this reading. Never raises.
https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/messaging_referrals
"""

from __future__ import annotations

from typing import Any

from channels_app.adapters.wire import array, obj, string
from channels_app.content.surroundings import Origin, origin_of

KINDS = {"ADS": "ad", "SHORTLINK": "link"}
AD = "ads_context_data"


def origin_in(source: Any) -> Origin | None:
    """Of a message or postback: its referral, else the product that it shares or the story that it answers."""
    return origin_of_referral(obj(source, "referral")) or _product(source) or _story(obj(source, "reply_to", "story"))


def origin_of_referral(referral: dict[str, Any]) -> Origin | None:
    if product := obj(referral, "product"):
        return origin_of("product", {**referral, **product}, id="id", ref="ref", url="referer_uri")
    kind = "ad" if string(referral, "ad_id") else KINDS.get(string(referral, "source"), "link")
    told = {name: part for name, part in referral.items() if name not in ("source", "type")}
    return origin_of(kind, {**obj(referral, AD), **told}, id="ad_id", ref="ref", title="ad_title", url="referer_uri")


def origin_of_plugin(optin: dict[str, Any]) -> Origin | None:
    """The token of a notification is a secret of the page's; who signed up for what is no secret."""
    told = {name: part for name, part in optin.items() if not name.endswith("token")}
    if string(optin, "type") == "notification_messages":
        return origin_of("opt_in", told, ref="payload", title="title")
    return origin_of("website", told, ref="ref")


def _product(message: Any) -> Origin | None:
    found = (
        element
        for attachment in array(message, "attachments")
        for element in array(attachment, "payload", "product", "elements")
    )
    return origin_of("product", obj(next(found, None)), id="id", title="title", text="subtitle", url="url")


def _story(story: dict[str, Any]) -> Origin | None:
    return origin_of("story", story, id="id", url="url")
