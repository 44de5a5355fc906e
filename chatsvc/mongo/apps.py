"""Django's contributed apps with MongoDB's automatic keys; see chatsvc/mongo/__init__.py."""

from __future__ import annotations

from django.contrib.auth.apps import AuthConfig
from django.contrib.contenttypes.apps import ContentTypesConfig

from chatsvc.mongo import AUTO_FIELD
from chatsvc.web import console


class Admin(console.Config):
    default_auto_field = AUTO_FIELD


class Auth(AuthConfig):
    default_auto_field = AUTO_FIELD


class Contenttypes(ContentTypesConfig):
    default_auto_field = AUTO_FIELD
