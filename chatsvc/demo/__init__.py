"""The demo tenant: Acorn Outdoor with an admin, an API key, a channel of every kind, and an assistant.

Owns the steps that make it and the access they give. Must not be needed by anything but demos: the
credentials follow from SECRET_KEY, so that they are the same after every run.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings

from assistant.demo import seed_assistant
from assistant.demo.ready import ready_seed
from assistant.products.models import ProductSource
from channels_app.models import Channel
from channels_app.registry import adapter_for
from channels_app.services import channel_save
from channels_app.twin.platforms import PLATFORMS
from tenants import tenant_settings
from tenants.access.members import member_add, roles_give
from tenants.access.permissions import ALL, expand
from tenants.access.tokens import token_issue
from tenants.models import ApiKey, Membership, Role, Tenant, User
from tenants.scope import tenant_scope

SLUG = "acorn"
NAME = "Acorn Outdoor"
ADMIN = "admin"
KEY_NAME = "Demo key"
COLLEAGUES = {"mira@acorn-outdoor.example": ("Mira", "Holt"), "ben@acorn-outdoor.example": ("Ben", "Okafor")}
PAST = "a week of conversations"  # the step that nothing else needs
SETTINGS: dict[str, Any] = {"languages": ["en", "de", "es", "fr", "pt"], "bot_name": "Acorn"}
#: the first words and the suggestions of the widget, by language
SAID: dict[str, tuple[str, ...]] = {
    "en": ("Hello! What can I help you with?", "Where is my order?", "How do returns work?", "Talk to a human"),
    "de": (
        "Hallo! Womit kann ich helfen?",
        "Wo ist meine Bestellung?",
        "Wie geht eine Rückgabe?",
        "Mit Mensch sprechen",
    ),
    "es": (
        "¡Hola! ¿En qué puedo ayudarte?",
        "¿Dónde está mi pedido?",
        "¿Cómo devuelvo algo?",
        "Hablar con una persona",
    ),
    "fr": (
        "Bonjour ! Que puis-je faire pour vous ?",
        "Où est ma commande ?",
        "Comment faire un retour ?",
        "Parler à quelqu'un",
    ),
    "pt": ("Olá! Em que posso ajudar?", "Onde está a minha encomenda?", "Como devolvo algo?", "Falar com uma pessoa"),
}
WORDS: dict[str, dict[str, Any]] = {
    language: {"greeting": greeting, "starters": [{"title": one} for one in starters]}
    for language, (greeting, *starters) in SAID.items()
}
TWIN_URL = "http://127.0.0.1:8900"
#: one of every kind; all but the widget speak with the provider twin
CHANNELS: dict[str, dict[str, Any]] = {
    "web": {
        "title": NAME,
        "allowed_origins": ["*"],
        "color": "#3f5a45",
        **WORDS["en"],
        "translations": {language: words for language, words in WORDS.items() if language != "en"},
        "pages": "path",
    },
    **{kind: platform.channel_config(TWIN_URL) for kind, platform in PLATFORMS.items()},
}
#: what templates/demo.html shows, and what else the assistant speaks of
GOODS = [
    {
        "id": "birk", "title": "Birk pendant", "description": "Turned oak", "price": "€189", "stock": 12,
        "names": ["lamp", "Lampe", "Pendelleuchte", "Hängelampe", "suspension", "lampe", "lámpara", "candeeiro", "luminária"],
    },
    {
        "id": "lino", "title": "Lino camp lantern", "description": "Washed linen", "price": "€129", "stock": 40,
        "names": ["lamp", "Laterne", "Lampe", "lanterne", "lampe", "linterna", "farol", "lámpara", "lanterna", "candeeiro"],
    },
    {
        "id": "glim", "title": "Glim globe", "description": "Hand-blown glass", "price": "€149", "stock": 0,
        "names": ["lamp", "Lampe", "Kugelleuchte", "Kugel", "lampe", "lámpara", "globo", "candeeiro", "luminária"],
    },
    {
        "id": "oak-2", "title": "Oak 2 tent", "description": "Two people, 2.1 kg", "price": "€249", "stock": 8,
        "names": ["Zelt", "tente", "tienda de campaña", "carpa", "tenda", "barraca"],
    },
    {
        "id": "drizzle", "title": "Drizzle rain jacket", "description": "Waterproof", "price": "€129", "stock": 25,
        "names": ["Regenjacke", "Jacke", "veste", "imperméable", "chaqueta", "impermeable", "casaco", "jaqueta"],
    },
    {
        "id": "ridge-40", "title": "Ridge 40 backpack", "description": "40 litres", "price": "€159", "stock": 17,
        "names": ["Rucksack", "sac à dos", "mochila"],
    },
]  # fmt: skip


@dataclass(frozen=True)
class WhatsAppAccess:
    channel_key: str
    app_secret: str
    verify_token: str
    phone_number_id: str


@dataclass(frozen=True)
class DemoAccess:
    """How to get in. ``admin_password`` is "" when it was changed."""

    tenant_id: str
    api_key: str
    access_token: str
    admin_user: str
    admin_password: str
    web_channel_key: str
    whatsapp: WhatsAppAccess
    channels: dict[str, str]  # kind → key
    agent_user: str
    agent_password: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def tenant_seed() -> None:
    tenant = demo_tenant() or Tenant(slug=SLUG, name=NAME)
    tenant.settings = {**SETTINGS, **tenant.settings}  # what was set stays
    tenant.save()
    tenant_settings.invalidate(tenant.id)


def roles_seed() -> None:
    tenant = demo_tenant()
    assert tenant is not None
    roles_give(tenant)


def admin_seed() -> None:
    admin = User.objects.filter(username=ADMIN).first()
    if admin is None:
        admin = User.objects.create_superuser(ADMIN, "admin@acorn-outdoor.example", admin_password())
    if not Membership.objects.filter(user=admin).exists():
        Membership.objects.create(tenant=demo_tenant(), user=admin, role=Role.objects.get(name="admin"))


def api_key_seed() -> None:
    plaintext = api_key()
    prefix, key_hash = plaintext.split("_")[1], hashlib.sha256(plaintext.encode()).hexdigest()
    ApiKey.objects.filter(name=KEY_NAME).exclude(prefix=prefix).delete()  # of an older SECRET_KEY
    if not ApiKey.objects.filter(prefix=prefix).exists():
        ApiKey.objects.create(tenant=demo_tenant(), name=KEY_NAME, prefix=prefix, key_hash=key_hash, scopes=[ALL])


def colleagues_seed() -> None:
    """Two members of staff who answer people; they sign in with the password of the access."""
    tenant = demo_tenant()
    assert tenant is not None
    for username, (first, last) in COLLEAGUES.items():
        user = User.objects.filter(username=username).first()
        if user is None:
            user = User.objects.create_user(username, username, agent_password(), first_name=first, last_name=last)
        if not Membership.objects.filter(user=user).exists():
            member_add(tenant, user, "agent")


def desk_seed() -> None:
    from chatsvc.demo import desk

    tenant = demo_tenant()
    assert tenant is not None
    desk.desk_seed(tenant, list(COLLEAGUES))


def past_seed() -> None:
    """A week in which people have written on every channel."""
    from chatsvc.demo import past

    tenant = demo_tenant()
    assert tenant is not None
    channels = {kind: channel for kind in CHANNELS if (channel := _channel(kind))}
    if channels.keys() == CHANNELS.keys():
        names = {"admin": ADMIN, **{name.partition("@")[0]: name for name in COLLEAGUES}}
        past.past_seed(tenant, channels, {name: User.objects.get(username=user) for name, user in names.items()})


def channels_seed() -> None:
    for kind, config in CHANNELS.items():
        if _channel(kind) is None:
            where = "website" if kind == "web" else f"on {adapter_for(kind).label}"
            channel = Channel(tenant=demo_tenant(), kind=kind, name=f"{NAME} {where}")
            channel_save(channel, config=config)


def assistant_seed() -> None:
    tenant = demo_tenant()
    assert tenant is not None
    seed_assistant(tenant)
    ready_seed()
    if not ProductSource.objects.exists():
        ProductSource.objects.create(tenant=tenant, products=GOODS)


#: What is done, in this order; all but the first inside the tenant's scope.
STEPS: dict[str, Callable[[], None]] = {
    "tenant": tenant_seed,
    "roles": roles_seed,
    "admin": admin_seed,
    "colleagues": colleagues_seed,
    "canned replies": desk_seed,
    "API key": api_key_seed,
    "channels": channels_seed,
    "assistant": assistant_seed,
    PAST: past_seed,
}


def step_run(step: Callable[[], None]) -> None:
    """Run one of STEPS. Each may be run again: it adds what is missing and leaves the rest alone."""
    tenant = demo_tenant()
    if tenant is None:
        step()
    else:
        with tenant_scope(tenant.id):
            step()


def demo_tenant() -> Tenant | None:
    return Tenant.objects.filter(slug=SLUG).first()


def demo_access() -> DemoAccess | None:
    """How to get into the demo tenant; None when it was not seeded, or not to the end."""
    tenant = demo_tenant()
    admin = User.objects.filter(username=ADMIN).first()
    if tenant is None or admin is None:
        return None
    with tenant_scope(tenant.id):
        web, whatsapp = _channel("web"), _channel("whatsapp")
        if web is None or whatsapp is None:
            return None
        token = token_issue(
            "access",
            tenant_id=tenant.id,
            subject="demo",
            kind="token",
            permissions=expand([ALL]),
            ttl_s=settings.ENV["ACCESS_TOKEN_TTL"],
            key_prefix=api_key().split("_")[1],
        )
        config = whatsapp.adapter_config()
        keys = {channel.kind: channel.key for channel in Channel.objects.order_by("-created_at")}  # the oldest wins
    return DemoAccess(
        tenant_id=str(tenant.id),
        api_key=api_key(),
        access_token=token,
        admin_user=ADMIN,
        admin_password=admin_password() if admin.check_password(admin_password()) else "",
        web_channel_key=web.key,
        whatsapp=WhatsAppAccess(whatsapp.key, config.app_secret, config.verify_token, config.phone_number_id),
        channels=keys,
        agent_user=next(iter(COLLEAGUES)),
        agent_password=agent_password(),
    )


def api_key() -> str:
    """The demo key's plain text, in the form of tenants/access/api_keys.py."""
    secret = base64.urlsafe_b64encode(_derived("API key")).decode().rstrip("=")
    return f"csk_{_derived('API key prefix').hex()[:8]}_{secret}"


def admin_password() -> str:
    return base64.b32encode(_derived("admin password")).decode()[:16].lower()


def agent_password() -> str:
    """Of the demo's colleagues."""
    return base64.b32encode(_derived("agent password")).decode()[:16].lower()


def _derived(purpose: str) -> bytes:
    return hmac.new(settings.SECRET_KEY.encode(), f"chatsvc demo: {purpose}".encode(), hashlib.sha256).digest()


def _channel(kind: str) -> Channel | None:
    return Channel.objects.filter(kind=kind).order_by("created_at").first()
