"""What `manage.py check --deploy` warns of beside Django's own checks. Must not refuse: chatsvc/env.py does."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Tags, Warning, register


@register(Tags.security, deploy=True)
def open_to_all(**_: Any) -> list[Warning]:
    """Settings that are good for a demo only."""
    found = []
    if "*" in settings.ALLOWED_HOSTS:
        found.append(Warning("ALLOWED_HOSTS=* answers to any host name.", hint="Name your hosts.", id="chatsvc.W001"))
    if "*" in settings.ENV["CORS_ORIGINS"]:
        found.append(
            Warning(
                "CORS_ORIGINS=* lets every page call the REST API with a token it has.",
                hint="Name the origins.",
                id="chatsvc.W002",
            )
        )
    return found
