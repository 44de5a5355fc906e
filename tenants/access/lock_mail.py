"""The e-mail that tells the owner of an account that it is locked: it was not they who tried, or they learn what helps.

Must not tell the one who tries whether the account exists, nor by the time that an answer takes: it goes by a thread of its own.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import structlog
from django.conf import settings
from django.core.mail import EmailMessage

from tenants.access.buckets import Bucket, take
from tenants.access.invitations import mails
from tenants.models import User

log = structlog.get_logger(__name__)

DAY_S = 86_400.0  # a lock lasts as long as tries go on: its owner is told once a day
#: step → subject and words
WORDS = {
    "password": (
        "Your account was locked for a while",
        """Wrong passwords for your account {name} were tried too often{whence}. From there no more are looked at for a while.

If it was you: try again later, or ask the operator of the service for a new password.
If it was not you: no password that was tried is yours. Choose a long one that you use nowhere else, and set up a second step:
""",
    ),
    "second": (
        "Your password is known to the one who tries it",
        """The password of your account {name} was right{whence}, and its second step was wrong too often. From there no more codes \
are looked at for a while.

If it was you: try again later, with another device or a code from paper.
If it was not you: choose a new password now, which signs out all others:
""",
    ),
}
_post = ThreadPoolExecutor(1, thread_name_prefix="lock-mail")


def owner_told(user: User, step: str, address: str | None) -> None:
    """Send it, once a day for an account and its ``step``; nothing where there is no way to reach them."""
    if not (user.email and user.is_active and mails()):
        return
    if take([Bucket(f"login-mail:{user.pk}:{step}", 1 / DAY_S, 1)]).wait:
        return
    subject, words = WORDS[step]
    told = words.format(name=user.get_username(), whence=f" from the address {address}" if address else "")
    mail = EmailMessage(subject, f"{told}{settings.PUBLIC_URL}/admin/sign-in/\n", None, to=[user.email])
    _post.submit(_send, str(user.pk), mail)


def _send(user_id: str, mail: EmailMessage) -> None:
    try:
        mail.send()
    except OSError as error:  # of the connection, or what its server says (SMTPException)
        log.warning("lock_mail_not_sent", user_id=user_id, error=type(error).__name__)
