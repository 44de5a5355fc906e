"""What pytest-django does around every test, and is left out here, is what no test needs."""

from __future__ import annotations

import re
from pathlib import Path

from django.core import mail

from tests import every_test

TESTS = Path(__file__).parents[1]
NEEDS_WHAT_IS_LEFT_OUT = re.compile(
    r"mailoutbox|live_server|ignore_template_errors|django_isolate_apps|^class .*TestCase\)", re.MULTILINE
)


def test_no_test_needs_what_is_left_out():
    own = {Path(__file__), Path(every_test.__file__)}
    found = {path.name for path in TESTS.rglob("*.py") if NEEDS_WHAT_IS_LEFT_OUT.search(path.read_text())}
    assert found <= {path.name for path in own}


def test_no_test_finds_the_mail_of_another(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.send_mail("Hello", "words", None, ["ana@example.com"])
    assert len(mail.outbox) == 1
    every_test.forget()
    assert mail.outbox == []
