"""The address of a channel as people enter it at a platform."""

from __future__ import annotations

import pytest

from messaging.models import InboundEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("end", ["", "/"], ids=["as shown", "with a slash"])
def test_a_platforms_handshake_and_requests_are_answered(scope, whatsapp, browser, end) -> None:
    address = f"/api/v2/webhooks/whatsapp/{whatsapp.key}{end}"
    asked = {"hub.mode": "subscribe", "hub.verify_token": "verify-0123456789", "hub.challenge": "1158201444"}
    answer = browser.get(address, asked)
    assert (answer.status_code, answer.content) == (200, b"1158201444")
    assert browser.post(address, b"{}", content_type="application/json").status_code == 401
    assert not InboundEvent.objects.exists()
