"""What `manage.py check --deploy` warns of beside Django's own checks. Must not refuse: chatsvc/env.py does."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Info, Tags, Warning, register

from channels_app.content.forms import CONTAINERS, HEIF
from messaging.media.convert.programs import found


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


@register("media", deploy=True)
def converters(**_: Any) -> list[Info]:
    """What is not installed here that files are turned into other forms with; the workers need it."""
    lost = {
        "ffmpeg": (CONTAINERS, "Debian: apt-get install ffmpeg; image: --build-arg PACKAGES=ffmpeg."),
        "pillow-heif": (HEIF, "pip install -r requirements-heif.lock; image: --build-arg EXTRAS=heif."),
    }
    return [
        Info(
            f"{name} is not installed: {', '.join(sorted(lost[name][0]))} are kept and sent as they are, or as a download.",
            hint=lost[name][1],
            id="chatsvc.I001",
        )
        for name, there in found().items()
        if not there
    ]
