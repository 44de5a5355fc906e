"""Who a visitor is: the proofs of the site's server, and everything that is none."""

from __future__ import annotations

import time

import jwt
import pytest

from channels_app.selectors import channel_forget
from conversations.models import Contact, Identity
from messaging.webchat.proofs import identity_signature
from tests.messaging.webchat.clients import SECRET, Page, outcome


def test_the_published_vector():
    assert (
        identity_signature("widget-identity-secret-0001", "ch_01HABC", "user-4711", 1763690000)
        == "61849bbf803ad8dd4c245c71509977e85dd3ab5de3799a0eac93bdbe70413d0c"
    )


def test_a_proved_user_is_the_same_person_in_every_browser(page, channel, proof):
    page.begin(identity=proof())
    page.say("Hello")
    assert Page(channel).begin(identity=proof())["last_seq"] == 1
    assert Page(channel).begin(identity=proof("user-4712"))["last_seq"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"sig": ""},
        {"sig": "0" * 64},
        {"sig": "ü"},
        {"user_id": "user-1"},
        {"ts": int(time.time()) - 1},
        {"ts": 1763690000, "sig": identity_signature(SECRET, "ch_01HABC", "user-4711", 1763690000)},
    ],
    ids=["no proof", "wrong proof", "not ASCII", "another user", "another time", "years old"],
)
def test_an_unproved_user_is_refused(page, proof, wrong):
    assert outcome(page.session(identity={**proof(), **wrong})) == (403, "identity_unproved")


@pytest.mark.parametrize(("age", "status"), [(24 * 3600 - 60, 200), (25 * 3600, 403), (-200, 200), (-400, 403)])
def test_a_proof_holds_a_day(page, proof, age, status):
    assert page.session(identity=proof(ts=int(time.time()) - age)).status_code == status


def test_no_user_can_be_proved_without_a_secret(page, channel, proof):
    channel.secrets = {}
    channel.save()
    channel_forget(channel)
    assert outcome(page.session(identity=proof(secret=""))) == (403, "identity_unproved")


# --------------------------------------------------------------------------- JSON Web Tokens


def token(secret=SECRET, algorithm="HS256", **claims):
    """A token as the site's server makes it; a claim that is None is left out."""
    usual = {"sub": "user-4711", "aud": "ch_01HABC", "exp": int(time.time()) + 600}
    told = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    return {"jwt": jwt.encode(told, secret, algorithm=algorithm)}


def test_a_token_proves_the_same_user_as_a_signed_line(page, channel, proof, scope):
    page.begin(identity=token(name="Mira", email="mira@shop.example", phone_number="+4930123456"))
    page.say("Hello")
    assert Page(channel).begin(identity=proof())["last_seq"] == 1
    identity = Identity.objects.get()
    assert (identity.scheme, identity.value, identity.verified) == ("user", "user-4711", True)
    contact = Contact.objects.get()
    assert (contact.name, contact.email, contact.phone) == ("Mira", "mira@shop.example", "+4930123456")


def test_what_the_site_tells_anew_replaces_what_was_known(page, scope):
    page.begin(identity=token(email="old@shop.example"))
    page.begin(identity=token(email="new@shop.example"))
    assert Contact.objects.get().email == "new@shop.example"


LONG = "another-secret-that-is-long-enough-for-HS256"


@pytest.mark.parametrize(
    "wrong",
    [
        token(secret=LONG),
        token(aud="ch_other"),
        token(aud=None),
        token(sub=None),
        token(sub=""),
        token(sub="u" * 256),
        token(exp=None),
        token(exp=int(time.time()) - 3600),
        token(exp=int(time.time()) + 7200),
        token(exp=10**30),
        token(nbf=int(time.time()) + 3600),
        token(secret=None, algorithm="none"),
        token(algorithm="HS512"),
        {"jwt": "a.b.c"},
        {"jwt": "ü"},
    ],
    ids=[
        "wrong secret", "another channel's", "no channel's", "no user", "empty user", "endless user", "never ends", "is over",
        "ends too late", "ends beyond time", "has not begun", "not signed", "another algorithm", "not a token", "not ASCII",
    ],
)  # fmt: skip
def test_a_token_that_proves_nothing_is_refused(page, wrong):
    assert outcome(page.session(identity=wrong)) == (403, "identity_unproved")


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
def test_a_short_secret_signs_no_tokens(page, channel):
    channel.secrets = {"identity_secret": "short"}
    channel.save()
    channel_forget(channel)
    assert outcome(page.session(identity=token(secret="short"))) == (403, "identity_unproved")


@pytest.mark.parametrize("claim", [17, ["Mira"], "a\nb", "n" * 300], ids=["number", "list", "two lines", "endless"])
def test_a_name_that_is_none_is_left_out(page, claim, scope):
    page.begin(identity=token(name=claim, email="mira@shop.example"))
    assert (Contact.objects.get().name, Contact.objects.get().email) == ("", "mira@shop.example")
