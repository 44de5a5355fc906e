"""What tests on files need: a platform that has some, and a storage of their own."""

from __future__ import annotations

import pytest

from tests.factories import ChannelFactory
from tests.messaging.media.platform import Files, picture, received


@pytest.fixture
def files(reachable):
    made = Files()
    reachable(made.url)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def channel(whatsapp, files):
    whatsapp.config = {**whatsapp.config, "api_base": files.url}
    whatsapp.save()
    return whatsapp


@pytest.fixture
def webhook(tenant):
    config, secrets = {"api_base": "https://shop.example/hook"}, {"secret": "whsec_" + "QUFB" * 10}
    return ChannelFactory(tenant=tenant, kind="webhook", name="Own system", config=config, secrets=secrets)


@pytest.fixture(autouse=True)
def storage(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def stored(channel, files, scope):
    """An image in a message."""
    files.keep(picture())
    return received(channel, name="lamp.png")[1]
