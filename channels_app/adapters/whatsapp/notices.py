"""What the platform tells about the account itself: banned, restricted, flagged, let go, and taken back.

Owns the platform's words for it. Must not know how a channel's health is kept.
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/account_update
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from channels_app.adapters.wire import array, obj, string
from channels_app.contract import ChannelNotice, Ignored, InboundItem

LOST, LIMITED, WELL = "credential_refused", "degraded", "healthy"

#: event of account_update → state, and what staff read
ACCOUNT: dict[str, tuple[str, str]] = {
    "ACCOUNT_DELETED": (LOST, "The WhatsApp Business account was deleted."),
    "ACCOUNT_OFFBOARDED": (LOST, "The WhatsApp Business account was disconnected from the platform."),
    "PARTNER_REMOVED": (LOST, "The WhatsApp Business account no longer gives our app access."),
    "PARTNER_APP_UNINSTALLED": (LOST, "The app was removed from the WhatsApp Business account."),
    "ACCOUNT_RESTRICTION": (LIMITED, "The platform has restricted the WhatsApp Business account"),
    "ACCOUNT_VIOLATION": (LIMITED, "The platform says that the WhatsApp Business account violates its policy"),
    "ACCOUNT_RECONNECTED": (WELL, ""),
}
#: of DISABLED_UPDATE, by the state of the ban
BANS: dict[str, tuple[str, str]] = {
    "DISABLE": (LOST, "The platform has banned the WhatsApp Business account"),
    "SCHEDULE_FOR_DISABLE": (LIMITED, "The platform is going to ban the WhatsApp Business account"),
    "REINSTATE": (WELL, ""),
}
QUALITY: dict[str, tuple[str, str]] = {
    "FLAGGED": (LIMITED, "The platform has flagged the phone number for low quality"),
    "DOWNGRADE": (LIMITED, "The platform has lowered the messaging limit of the phone number"),
    "UNFLAGGED": (WELL, ""),
    "UPGRADE": (WELL, ""),
}


def _account(value: dict[str, Any]) -> InboundItem:
    event = string(value, "event", limit=60)
    if event == "DISABLED_UPDATE":
        ban = string(value, "ban_info", "waba_ban_state", limit=40)
        date = string(value, "ban_info", "waba_ban_date", limit=40)
        return _told(BANS.get(ban), f"{event}:{ban}", date)
    restrictions = [
        " until ".join(filter(None, (string(one, "restriction_type", limit=60), string(one, "expiration", limit=40))))
        for one in array(value, "restriction_info")
    ]
    return _told(ACCOUNT.get(event), event, string(value, "violation_info", "violation_type", limit=60), *restrictions)


def _review(value: dict[str, Any]) -> InboundItem:
    decision = string(value, "decision", limit=40)
    lost = (LIMITED, "The platform has rejected the WhatsApp Business account in its review")
    return _told({"REJECTED": lost, "APPROVED": (WELL, "")}.get(decision), f"review:{decision}")


def _quality(value: dict[str, Any]) -> InboundItem:
    event = string(value, "event", limit=40)
    limit = string(value, "current_limit", limit=40)
    return _told(QUALITY.get(event), event, string(value, "display_phone_number", limit=40), limit)


def _alert(value: dict[str, Any]) -> InboundItem:
    about = obj(value, "alert_info") or value
    kind = string(about, "alert_type", limit=60)
    critical = (LIMITED, "The platform warns about the account")
    severe = string(about, "alert_severity") == "CRITICAL" and string(about, "alert_status") == "ACTIVE"
    return _told(critical if severe else None, f"alert:{kind}", kind, string(about, "alert_description", limit=160))


def _told(found: tuple[str, str] | None, code: str, *details: str) -> InboundItem:
    if found is None:
        return Ignored(f"account:{code}")
    state, sentence = found
    said = ", ".join(filter(None, details))
    reason = f"{sentence.rstrip('.')}: {said}." if said and sentence else f"{sentence.rstrip('.')}." if sentence else ""
    return ChannelNotice(state, reason, code[:60], lasting=True)


#: field of a change → its notice
NOTICES: dict[str, Callable[[dict[str, Any]], InboundItem]] = {
    "account_update": _account,
    "account_review_update": _review,
    "account_alerts": _alert,
    "phone_number_quality_update": _quality,
}
