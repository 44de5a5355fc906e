from __future__ import annotations

import socket

import httpcore
import pytest

from channels_app.contract import Rejected, Unreachable
from channels_app.http import network
from channels_app.http.network import GuardedBackend, is_metadata, is_public

BLOCKED = (
    "0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 "
    "172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.51.100.1 203.0.113.1 "
    "224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 "
    ":: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 100::1 "
    "2001::1 2001:db8::1 2002:7f00:1:: 2002:808:808:: 3fff::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%lo fec0::1 ff02::1"
).split()
PUBLIC = "8.8.8.8 1.1.1.1 100.63.255.255 100.128.0.1 172.32.0.1 193.0.0.1 2606:4700::1111 2a00:1450:4001::1".split()


@pytest.mark.parametrize("address", BLOCKED)
def test_special_addresses_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are(address):
    assert is_public(address)


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254"])
def test_metadata_services_are_refused_even_to_trusted_hosts(address, monkeypatch):
    assert is_metadata(address)
    monkeypatch.setattr(network, "resolve", lambda host, port: [address])
    with pytest.raises(Rejected):
        GuardedBackend(trusted=True).connect_tcp("allowed.example", 80, 1)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "0",
        "localhost",
        "::1",
        "::ffff:127.0.0.1",
    ],
)
def test_every_spelling_of_loopback_is_refused(host):
    with pytest.raises(Rejected) as caught:
        GuardedBackend().connect_tcp(host, 80, 1)
    assert caught.value.code == "address_blocked"


class RecordingSockets(httpcore.NetworkBackend):
    """Refuses addresses in ``dead``, notes where it was sent."""

    def __init__(self, dead=()):
        self.dead = dead
        self.called: list[str] = []
        self.time_outs: list[float] = []

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        self.called.append(host)
        self.time_outs.append(timeout)
        assert host not in self.dead or self._refuse()
        return httpcore.MockStream([])

    @staticmethod
    def _refuse():
        raise httpcore.ConnectError("dead")


def backend_with(monkeypatch, lookups: list[list[str]], dead=()) -> tuple[GuardedBackend, RecordingSockets]:
    answers = iter(lookups)

    def getaddrinfo(host, port, **_kwargs):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(answers)]

    monkeypatch.setattr(network.socket, "getaddrinfo", getaddrinfo)
    backend = GuardedBackend()
    backend._sockets = sockets = RecordingSockets(dead)
    return backend, sockets


def test_connects_to_the_very_address_that_was_checked(monkeypatch):
    # the second answer of a rebinding name server is never asked for
    backend, sockets = backend_with(monkeypatch, [["8.8.8.8"], ["127.0.0.1"]])
    backend.connect_tcp("rebind.example", 80, 1)
    assert sockets.called == ["8.8.8.8"]
    with pytest.raises(Rejected):
        backend.connect_tcp("rebind.example", 80, 1)
    assert sockets.called == ["8.8.8.8"]


def test_private_addresses_among_public_ones_are_passed_over(monkeypatch):
    backend, sockets = backend_with(monkeypatch, [["10.0.0.1", "8.8.8.8"]])
    backend.connect_tcp("mixed.example", 80, 1)
    assert sockets.called == ["8.8.8.8"]


def test_a_dead_address_leaves_time_for_the_next(monkeypatch):
    backend, sockets = backend_with(monkeypatch, [["2606:4700::1111", "1.1.1.1"]], dead=("2606:4700::1111",))
    backend.connect_tcp("dual.example", 80, 2.0)
    assert sockets.called == ["2606:4700::1111", "1.1.1.1"]
    assert sockets.time_outs == [1.0, 1.0]


def test_a_name_too_long_for_dns_is_unreachable():
    with pytest.raises(Unreachable):
        network.resolve("a" * 300 + ".example", 80)
