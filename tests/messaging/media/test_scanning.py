"""Files are shown to a virus scanner before anything is made of them (MSG-4)."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from chatsvc.web import probes
from conversations.models import Attachment
from messaging.media import scanning
from messaging.media.fetch import file_process
from tenants.storage.db import now
from tests.conftest import Api
from tests.factories import ChannelFactory
from tests.messaging.media.clamd import EICAR, clamd
from tests.messaging.media.platform import picture, received
from tests.messaging.media.test_uploads import Page

pytestmark = pytest.mark.django_db

SHOP = "https://shop.example.com"


@pytest.fixture(autouse=True)
def breaker(monkeypatch):
    """What one test saw of its scanner is nothing to the next."""
    monkeypatch.setattr(scanning, "_breaker", scanning.Breaker(failures=2, cool_s=60))


@pytest.fixture
def use(settings, page):
    def use(url, fail="closed"):
        settings.ENV = {**settings.ENV, "CLAMAV_URL": url, "CLAMAV_FAIL": fail}

    return use


@pytest.fixture
def scanner(use):
    with clamd() as peer:
        use(peer.url)
        yield peer


@pytest.fixture
def page(tenant):
    return Page(ChannelFactory(tenant=tenant, key="ch_01HABC", config={"allowed_origins": [SHOP]}))


def give(client, body, name="notes.txt"):
    return client.post("/api/v2/media", {"file": SimpleUploadedFile(name, body, "text/plain")}, format="multipart")


def outcome(response):
    return response.status_code, (Api.error_of(response) or {}).get("code", "")


def test_every_entrance_shows_its_files(scanner, api, tenant, page, channel, files, scope):
    assert give(api(tenant), b"one").status_code == 201
    assert page.upload(b"two", name="two.txt", type="text/plain").status_code in (200, 201)
    files.keep(picture())
    assert received(channel)[1].state == "stored"
    assert scanner.seen == [b"one", b"two", picture()]


def test_nothing_is_kept_of_what_it_finds_a_virus_in(scanner, api, tenant, page, scope, storage):
    assert outcome(give(api(tenant), EICAR)) == (422, "infected")
    assert outcome(page.upload(EICAR, name="two.txt", type="text/plain")) == (422, "infected")
    assert not Attachment.objects.exists()
    assert [path for path in storage.rglob("*") if path.is_file()] == []


def test_a_platforms_file_with_a_virus_is_refused_and_its_message_stays(scanner, channel, files, scope, storage):
    files.keep(EICAR, mime="text/plain")
    message, refused = received(channel, "text/plain", "file", text="Read this")
    assert (refused.state, refused.reason, refused.file.name, message.text) == ("refused", "infected", "", "Read this")
    assert [path for path in storage.rglob("*") if path.is_file()] == []


def test_a_socket_file_serves_as_well(use, api, tenant, tmp_path):
    with clamd(tmp_path / "clamd.ctl") as peer:
        use(peer.url)
        assert outcome(give(api(tenant), EICAR)) == (422, "infected")
        assert give(api(tenant), b"clean").status_code == 201
        assert scanning.scanner_ask() is None


def test_a_large_file_comes_whole(scanner, api, tenant):
    body = b"0123456789abcdef" * 20_000
    assert give(api(tenant), body).status_code == 201
    assert scanner.seen == [body]


# ------------------------------------------------------------- when it has nothing to say

AWAY = "tcp://127.0.0.1:1"


def test_without_it_no_file_is_kept_and_people_may_try_again(use, api, tenant, page, scope):
    use(AWAY)
    answer = give(api(tenant), b"one")
    assert outcome(answer) == (503, "scanner_away")
    assert answer.headers["Retry-After"] == "5"
    assert outcome(page.upload(b"two", name="two.txt", type="text/plain")) == (503, "scanner_away")
    assert not Attachment.objects.exists()


def test_a_platforms_file_waits_for_it_and_loses_no_try(use, channel, files, scope):
    use(AWAY)
    files.keep(picture())
    _, waiting = received(channel)
    assert (waiting.state, waiting.attempts, waiting.due_at > now()) == ("remote", 0, True)
    with clamd() as peer:
        use(peer.url)
        scanning._breaker.succeeded()
        Attachment.objects.update(due_at=now())
        file_process(waiting.id)
    waiting.refresh_from_db()
    assert waiting.state == "stored"


def test_a_file_that_it_gives_up_on_costs_a_try(scanner, channel, files, scope):
    """Or one that crashes it would be fetched for ever."""
    scanner.says = b"stream: Can't allocate memory ERROR\0"
    files.keep(picture())
    _, waiting = received(channel)
    assert (waiting.state, waiting.attempts, waiting.reason) == ("remote", 1, "scanner_failed")


@pytest.mark.parametrize(
    "says", [b"stream: Can't allocate memory ERROR\0", b"PONG\0", b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 5000, b"\0"]
)
def test_an_answer_that_says_nothing_of_the_file_is_none(scanner, api, tenant, says):
    scanner.says = says
    assert outcome(give(api(tenant), b"one")) == (503, "scanner_away")


def test_one_that_takes_the_file_and_says_nothing_is_not_waited_for(scanner, api, tenant, monkeypatch):
    monkeypatch.setattr(scanning, "TOTAL_S", 0.2)
    scanner.silent = True
    assert outcome(give(api(tenant), b"one")) == (503, "scanner_away")
    assert outcome(give(api(tenant), b"two")) == (503, "scanner_away")
    assert outcome(give(api(tenant), b"three")) == (503, "scanner_away")
    assert scanner.seen == [b"one", b"two"]  # then it is left alone for a while


def test_a_file_too_large_for_it_is_refused(scanner, api, tenant, channel, files, scope):
    scanner.most = 100
    assert outcome(give(api(tenant), b"0123456789" * 300_000)) == (422, "not_scanned")
    files.keep(b"0123456789" * 300_000, mime="text/plain")
    assert received(channel, "text/plain", "file")[1].reason == "not_scanned"


def test_open_keeps_what_it_cannot_examine_and_refuses_what_it_finds(use, api, tenant):
    use(AWAY, "open")
    assert give(api(tenant), b"one").status_code == 201
    with clamd() as peer:
        use(peer.url, "open")
        scanning._breaker.succeeded()
        peer.most = 100
        assert give(api(tenant), b"0123456789" * 300_000).status_code == 201
        assert outcome(give(api(tenant), EICAR)) == (422, "infected")


def test_its_state_is_among_the_dependencies(scanner, use):
    assert probes.ask_all()["scanner"]["status"] == "up"
    use(AWAY)
    assert probes.ask_all()["scanner"]["status"] == "down"
