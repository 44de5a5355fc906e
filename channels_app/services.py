"""Saving channels and handing out what their adapters need. Must not know messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.core.cache import cache
from pydantic import ValidationError

from channels_app.adapters.base import Adapter
from channels_app.http.addresses import BadAddress, address_check
from channels_app.http.client import HttpClient, authority
from channels_app.http.waiting import asking, exchanging
from channels_app.models import Channel, IncompleteChannel, new_key
from channels_app.registry import KINDS, adapter_for
from channels_app.selectors import channel_forget
from tenants.access.limits import allow
from tenants.errors import Invalid, Unavailable
from tenants.repeated import repeated_in
from tenants.storage.db import RACES, atomic, now, retried
from tenants.strict import strict_of

COUNTED_S = 3600  # wrong proofs are forgotten after that when no check takes them
COUNTED_BURST = 10


@retried
def channel_save(channel: Channel, *, config: Mapping[str, Any] | None = None) -> Channel:
    """Validate and store a channel; ``config`` may mix open and secret fields, empty secrets are kept
    as they are. Raises Invalid as ``channel_fill``."""
    channel_fill(channel, config or {})
    with atomic():
        if not channel._state.adding:  # it may have been disconnected since it was read
            _require_connected(channel)
        channel.save()
    channel_forget(channel)
    return channel


def channel_change(channel: Channel, changes: Mapping[str, Any], config: Mapping[str, Any]) -> Channel:
    """Store ``changes`` and what is named in ``config``; what another request changes meanwhile stays beside them. Returns
    the row as it is then. Raises Invalid as `channel_fill`, Unavailable where others are always quicker."""
    for _ in range(RACES):
        for name, value in changes.items():
            setattr(channel, name, value)
        channel_fill(channel, config)  # looks names up: nothing is locked for it
        if _stored_as_read(channel, [*changes, "config", "secrets"]):
            channel_forget(channel)
            return channel
        channel = Channel.objects.get(pk=channel.pk)
    raise Unavailable("The channel is being changed by others; send the same change again.", retry_after=1)


@retried
def _stored_as_read(channel: Channel, fields: Sequence[str]) -> bool:
    """False when the row has changed since it was read. Raises Invalid ``channel_disconnected``."""
    with atomic():
        same = Channel.objects.filter(pk=channel.pk, disconnected_at=None, updated_at=channel.updated_at)
        if not same.update(updated_at=now()):
            _require_connected(channel)
            return False
        channel.save(update_fields=[*fields, "updated_at"])
    return True


def _is_default(adapter: Adapter, name: str, value: Any) -> bool:
    """A setting as it is by default is not stored: the release before may run beside and not know it yet."""
    field = adapter.config_class.model_fields.get(name)
    default = field.get_default(call_default_factory=True) if field else None
    return field is not None and value == (list(default) if isinstance(default, tuple) else default)


def _require_connected(channel: Channel) -> None:
    """Lock the row. Raises Invalid ``channel_disconnected``."""
    if not Channel.objects.filter(pk=channel.pk, disconnected_at=None).update(updated_at=now()):
        raise _disconnected()


def _disconnected() -> Invalid:
    return Invalid("This channel is disconnected; connect a new one.", code="channel_disconnected")


def channel_fill(channel: Channel, config: Mapping[str, Any]) -> None:
    """Put ``config`` into the channel, unsaved, once it holds.

    Raises Invalid: ``unknown_channel_kind``, ``channel_disconnected``; ``invalid_channel`` with a detail per wrong field;
    ``secrets_required`` when an address changes and a stored secret is not given anew, so that no user can
    have secrets they do not know sent to an address of theirs. Raises TooMany ``busy``.
    """
    if channel.kind not in KINDS:
        raise Invalid(f"There is no kind of channel {channel.kind!r}.", code="unknown_channel_kind")
    if channel.disconnected_at:
        raise _disconnected()
    adapter, before = adapter_for(channel.kind), _stored(channel)
    given = {name: value for name, value in config.items() if name in adapter.secret_keys and value}
    opened = {
        name: value
        for name, value in config.items()
        if name not in adapter.secret_keys and (name in channel.config or not _is_default(adapter, name, value))
    }
    channel.config, channel.secrets = {**channel.config, **opened}, {**channel.secrets, **given}
    try:
        wanted = strict_of(adapter.config_class).validate_python({**channel.config, **channel.secrets})
    except ValidationError as error:
        details = [
            {"field": ".".join(map(str, e["loc"])), "message": e["msg"], "code": e["type"]} for e in error.errors()
        ]
        raise _invalid(details) from error
    if again := list(repeated_in(wanted)):
        raise _invalid(again)
    moved = {name for name in adapter.address_keys if getattr(wanted, name) != before.get(name)}
    if moved:
        with asking():  # names are looked up
            problems = list(_bad_addresses(wanted, moved))
        if problems:
            raise _invalid(problems)
    missing = sorted(name for name in adapter.secret_keys if before.get(name) and not given.get(name))
    if moved and missing:
        message = "Another address needs this secret typed anew."
        raise Invalid(
            "An address of the channel changes: give its secrets again.",
            code="secrets_required",
            details=[{"field": name, "message": message, "code": "secrets_required"} for name in missing],
        )


def _stored(channel: Channel) -> dict[str, Any]:
    """Every setting that holds by now, defaults and secrets among them; for a new channel the defaults."""
    row = None if channel._state.adding else Channel.objects.filter(pk=channel.pk).first()
    fields = channel.adapter.config_class.model_fields.items()
    defaults = {name: field.get_default(call_default_factory=True) for name, field in fields if not field.is_required()}
    if row is None:
        return defaults
    try:
        return row.adapter_config().model_dump()
    except IncompleteChannel:  # stored by an older version
        return {**defaults, **row.config, **row.secrets}


def _bad_addresses(config: Any, names: set[str]) -> Iterator[dict[str, str]]:
    for name in sorted(names):
        value = getattr(config, name)
        for url in [value] if isinstance(value, str) else [f"https://{host}" for host in value if "*" not in host]:
            try:
                address_check(url, allowed=outbound_hosts(), https=settings.PRODUCTION)
            except BadAddress as error:
                yield {"field": name, "message": str(error), "code": error.code}


def _invalid(details: list[dict[str, str]]) -> Invalid:
    return Invalid("The channel's configuration does not hold.", code="invalid_channel", details=details)


def outbound_hosts() -> frozenset[str]:
    """``host:port``, or hosts, inside the private network that the operator lets tenants' addresses reach."""
    return frozenset(host.lower() for host in settings.ENV["OUTBOUND_ALLOW_HOSTS"])


def channel_close(channel: Channel) -> None:
    """Nothing comes in or goes out any more, for good: switched off, its public key retired. Its secrets stay until
    `secrets_erase`."""
    former = channel.key
    channel.enabled, channel.key, channel.disconnected_at = False, new_key(), now()
    channel.save(update_fields=["enabled", "key", "disconnected_at", "updated_at"])
    channel_forget(channel, former)


def secrets_erase(channel: Channel) -> None:
    """The last act on a closed channel."""
    channel.secrets, channel.cleared_at = {}, now()
    channel.save(update_fields=["secrets", "cleared_at", "updated_at"])
    channel_forget(channel)


def http_for(channel: Channel, *, in_request: bool = False) -> HttpClient:
    """The HTTP client for one channel's calls: knows its secrets to hide them. ``in_request``: a request
    from outside waits for each call, so that it is refused (Unreachable ``busy``) where too many wait.

    Of what the operator allows inside the private network, files come from the channel's own API and our
    own links only: their addresses are named by people outside.
    """
    secrets = frozenset(str(value) for value in channel.secrets.values() if value)
    files = frozenset({authority(channel.config.get("api_base") or ""), authority(settings.PUBLIC_URL)})
    return HttpClient(secrets, outbound_hosts(), files, room=exchanging if in_request else nullcontext)


def bad_signature_count(channel: Channel, address: str = "") -> None:
    """One more request with a proof that does not hold, in the cache. ``address``: whose; of one address only
    COUNTED_BURST count within five minutes, so that a single stranger says nothing about the channel."""
    if address and allow(f"bad-signatures:{channel.id}:{address}", COUNTED_BURST / 300, COUNTED_BURST):
        return
    key = _signatures_key(channel)
    try:
        if not cache.add(key, 1, COUNTED_S):
            cache.incr(key)
    except Exception:  # noqa: BLE001  a cache that is away, or the count has just run out: it is a hint
        return


def bad_signatures_take(channel: Channel) -> int:
    """How many were counted since the last call; the count begins anew."""
    count = int(cache.get(_signatures_key(channel)) or 0)
    if count:
        cache.delete(_signatures_key(channel))
    return count


def _signatures_key(channel: Channel) -> str:
    return f"bad-signatures:{channel.id}"


def webhook_url(channel: Channel) -> str:
    """The address to give the platform; "" for a kind without webhooks."""
    if not channel.adapter.signature_header:
        return ""
    return f"{settings.PUBLIC_URL}/api/v2/webhooks/{channel.kind}/{channel.key}"
