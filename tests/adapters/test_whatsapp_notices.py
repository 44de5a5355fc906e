"""What WhatsApp tells about the account itself: a ban, a restriction, a flag, and their end (CH-3, CH-9)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from channels_app.adapters.whatsapp.inbound import LISTS, OF_ACCOUNT, items, people
from channels_app.contract import ACCOUNT, ChannelNotice, Ignored, Malformed

OURS = "300000000000001"
PAGE = Path(__file__).parents[2] / "docs/channels/whatsapp.md"


def told(field: str, value: Any, account: str = OURS) -> list[Any]:
    return list(items({"entry": [{"id": account, "changes": [{"field": field, "value": value}]}]}, "4", OURS))


def banned(state: str) -> dict[str, Any]:
    return {
        "event": "DISABLED_UPDATE",
        "ban_info": {"waba_ban_state": state, "waba_ban_date": "May 5, 2026"},
    }


@pytest.mark.parametrize(
    ("field", "value", "state", "reason"),
    [
        (
            "account_update", banned("DISABLE"), "credential_refused",
            "The platform has banned the WhatsApp Business account: May 5, 2026.",
        ),
        (
            "account_update", banned("SCHEDULE_FOR_DISABLE"), "degraded",
            "The platform is going to ban the WhatsApp Business account: May 5, 2026.",
        ),
        ("account_update", banned("REINSTATE"), "healthy", ""),
        (
            "account_update",
            {
                "event": "ACCOUNT_RESTRICTION",
                "restriction_info": [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1785}],
            },
            "degraded",
            "The platform has restricted the WhatsApp Business account: RESTRICTED_BIZ_INITIATED_MESSAGING until 1785.",
        ),
        (
            "account_update", {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "SPAM"}}, "degraded",
            "The platform says that the WhatsApp Business account violates its policy: SPAM.",
        ),
        (
            "account_update", {"event": "ACCOUNT_DELETED"}, "credential_refused",
            "The WhatsApp Business account was deleted.",
        ),
        (
            "account_update", {"event": "PARTNER_REMOVED"}, "credential_refused",
            "The WhatsApp Business account no longer gives our app access.",
        ),
        (
            "account_review_update", {"decision": "REJECTED"}, "degraded",
            "The platform has rejected the WhatsApp Business account in its review.",
        ),
        (
            "phone_number_quality_update", {"event": "FLAGGED", "display_phone_number": "1555", "current_limit": "TIER_1K"},
            "degraded", "The platform has flagged the phone number for low quality: 1555, TIER_1K.",
        ),
        ("phone_number_quality_update", {"event": "UNFLAGGED"}, "healthy", ""),
        (
            "account_alerts",
            {"alert_info": {"alert_severity": "CRITICAL", "alert_status": "ACTIVE", "alert_type": "OBA_REVOKED"}},
            "degraded", "The platform warns about the account: OBA_REVOKED.",
        ),
    ],
)  # fmt: skip
def test_a_notice_about_the_account(field: str, value: dict[str, Any], state: str, reason: str) -> None:
    [notice] = told(field, value)
    assert isinstance(notice, ChannelNotice)
    assert (notice.state, notice.reason, notice.lasting) == (state, reason, True)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("account_update", {"event": "VERIFIED_ACCOUNT"}, "account:VERIFIED_ACCOUNT"),
        ("account_update", banned("ODD"), "account:DISABLED_UPDATE:ODD"),
        ("account_review_update", {"decision": "PENDING"}, "account:review:PENDING"),
        ("account_alerts", {"alert_severity": "INFORMATIONAL", "alert_type": "MORE"}, "account:alert:MORE"),
    ],
)
def test_what_changes_nothing_is_kept_with_its_name(field: str, value: Any, reason: str) -> None:
    assert told(field, value) == [Ignored(reason)]


def test_what_is_no_object_is_malformed() -> None:
    assert told("account_update", ["odd"]) == [Ignored("account:"), Malformed("malformed:entry.0.changes.0.value")]


def test_another_account_of_the_same_app_is_none_of_ours() -> None:
    assert told("account_update", banned("DISABLE"), account="9") == [Ignored("other_account")]


@pytest.mark.parametrize("field", [*LISTS, *OF_ACCOUNT])
def test_the_guide_names_every_field_that_is_read(field: str) -> None:
    at_meta = PAGE.read_text(encoding="utf-8").partition("## Here")[0]
    assert f"`{field}`" in at_meta


@pytest.mark.parametrize("field", OF_ACCOUNT)
def test_it_keeps_its_order_and_waits_for_no_person(field) -> None:
    """A ban and its end, a template approved and paused, carry no time that would tell which was the last (PIPE-1)."""
    assert set(people({"entry": [{"id": OURS, "changes": [{"field": field, "value": {}}]}]})) == {ACCOUNT}
