"""MongoDB by DATABASE_URL alone: the engine's settings, and a helpful word when its package is missing (OPS-3)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatsvc import mongo
from chatsvc.env import BadSettings


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("mongodb://localhost:27017/chat", "chat"),
        ("mongodb://localhost:27017", "chatsvc"),
        ("mongodb://localhost:27017/?replicaSet=rs0", "chatsvc"),
        ("mongodb://u:p%2Fw@a:1,b:2,c:3/chat?replicaSet=rs0&w=majority", "chat"),
        ("mongodb+srv://u:p@cluster.example.com/chat", "chat"),
    ],
)
def test_the_name_of_the_database_is_in_the_address(monkeypatch, url, name):
    monkeypatch.setattr(mongo, "find_spec", lambda package: object())
    database = mongo.database(url)
    assert (database["NAME"], database["HOST"]) == (name, url)


def test_the_address_may_say_how_long_to_look_for_the_server(monkeypatch):
    monkeypatch.setattr(mongo, "find_spec", lambda package: object())
    assert mongo.database("mongodb://localhost/chat")["OPTIONS"] == {
        "serverSelectionTimeoutMS": 5000,
        "maxPoolSize": 100,
    }
    assert mongo.database("mongodb://localhost/chat?serverSelectionTimeoutMS=9&maxPoolSize=7")["OPTIONS"] == {}
    assert mongo.database("mongodb://localhost/chat", 20)["OPTIONS"]["maxPoolSize"] == 20


TOLD = """
from chatsvc import mongo
mongo.find_spec = lambda package: object()
from django.conf import settings
print(settings.DATABASES["default"]["OPTIONS"]["maxPoolSize"])
"""


def test_the_variable_reaches_the_driver():
    """MAX_CONNECTIONS_MONGO, in a process that was started with it (OPS-2)."""
    given = {
        "DATABASE_URL": "mongodb://localhost/chat", "MAX_CONNECTIONS_MONGO": "17", "DJANGO_SETTINGS_MODULE": "chatsvc.settings",
    }  # fmt: skip
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", TOLD], cwd=root, env={**os.environ, **given}, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["17"]


def test_without_the_engines_package_the_way_to_it_is_told(monkeypatch):
    monkeypatch.setattr(mongo, "find_spec", lambda package: None)
    with pytest.raises(BadSettings, match=r"requirements-mongodb\.lock") as refusal:
        mongo.database("mongodb://user:secret@localhost/chat")
    assert "secret" not in str(refusal.value)


def test_only_contributed_apps_are_exchanged():
    apps = mongo.installed_apps(["django.contrib.auth", "django.contrib.sessions", "tenants"])
    assert apps == ["chatsvc.mongo.apps.Auth", "django.contrib.sessions", "tenants", "django_mongodb_backend"]
