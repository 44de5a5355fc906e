"""What `manage.py check` finds beside Django's own checks, most of it with `--deploy`. Must not keep a process from starting:
chatsvc/env/ does."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from django.conf import settings
from django.core.checks import Error, Info, Tags, Warning, register

from channels_app.content.forms import CONTAINERS, HEIF
from chatsvc.env import ALSO, AWAITED, VARIABLES
from chatsvc.env.keys import MAKE_ONE, former_weak, weak_keys
from messaging.media.convert.programs import found

TOKENS = ("METRICS_TOKEN", "ENGINE_TOKEN", "SECURITY_HUB_TOKEN")
LEAST_OF_TOKEN = 16  # characters
ALIKE = 0.9  # of two names, by difflib: beyond it one is the other, mistyped


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


@register(Tags.security, deploy=True)
def weak(**_: Any) -> list[Error]:
    """Keys that production does not start with; elsewhere only who asks about a deployment hears of them."""
    return [Error(sentence, id="chatsvc.E002") for sentence in weak_keys(settings.ENV)]


@register(Tags.security, deploy=True)
def guessable(**_: Any) -> list[Warning]:
    """Former keys that still open something, and tokens, which are found by trying."""
    if not settings.PRODUCTION:
        return []
    poor = [*former_weak(settings.ENV), *(name for name in TOKENS if 0 < len(settings.ENV[name]) < LEAST_OF_TOKEN)]
    return [Warning(f"{name} can be guessed.", hint=f"{MAKE_ONE}.", id="chatsvc.W003") for name in poor]


@register(Tags.security, deploy=True)
def unguarded(**_: Any) -> list[Warning]:
    """What a deployment that the outside reaches is not safe without."""
    found = []
    if settings.PRODUCTION and not settings.ENV["PUBLIC_URL"].startswith("https://"):
        found.append(
            Warning(
                f"PUBLIC_URL is no https address: links in e-mail lead to {settings.PUBLIC_URL}, and passkeys do not work.",
                hint="PUBLIC_URL=https://chat.example.com",
                id="chatsvc.W004",
            )
        )
    if settings.PRODUCTION and not settings.ENV["ENABLE_RATE_LIMITING"]:
        found.append(
            Warning(
                "ENABLE_RATE_LIMITING=false: no caller of the API is limited.", hint="Leave it out.", id="chatsvc.W005"
            )
        )
    return found


@register("environment")
def mistyped(**_: Any) -> list[Warning]:
    """Variables that nothing obeys, with the name that was meant."""
    return misspelt(os.environ)


def misspelt(names: Iterable[str]) -> list[Warning]:
    ours = {*VARIABLES, *ALSO.values(), *AWAITED}
    meant = {name: get_close_matches(name, ours, 1, ALIKE) for name in sorted(names) if name not in ours}
    return [
        Warning(f"{name} is not known.", hint=f"{near[0]} is.", id="chatsvc.W006")
        for name, near in meant.items()
        if near
    ]


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
