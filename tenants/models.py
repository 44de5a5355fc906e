"""Whose: tenants, the people and keys that act for them, and the trail of what they did.

Owns the rows only; permissions stand in tenants/access/permissions.py, authentication in tenants/access/auth.py.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.core.validators import URLValidator
from django.db import models

from tenants.storage.crypto import EncryptedJSONField
from tenants.storage.db import Id, Model, TenantModel, new_id
from tenants.token_models import OAuthClient, OAuthCode, TokenFamily, TrustedIssuer
from tenants.work.leases import Leased


class Tenant(Model):
    """A customer of the service. Everything else belongs to one.

    ``settings`` keys and defaults: tenants/tenant_settings/.
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"
        REMOVING = "removing"  # for good, from tenants/removal.py on

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=63, unique=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    settings = models.JSONField(default=dict, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class Removal(Leased, Model):
    """The removal of a tenant with everything it owns: work that goes on until nothing is left, and the record that
    stays of it. Names the tenant by value, for its row goes too."""

    class Status(models.TextChoices):
        RUNNING = "running"
        DONE = "done"

    STATE = "status"
    OPEN = (Status.RUNNING,)

    tenant_id = models.UUIDField(unique=True)
    slug = models.SlugField(max_length=63)
    name = models.CharField(max_length=200)
    requested_by = models.CharField(max_length=200)  # as in the audit trail, which goes too
    status = models.CharField(max_length=7, choices=Status, default=Status.RUNNING)
    table = models.CharField(max_length=60, blank=True)  # being emptied
    rows = models.PositiveBigIntegerField(default=0)  # removed so far
    files = models.PositiveBigIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.slug}, {self.status}"


class User(AbstractUser):
    """A member of staff who signs in to the console. Superusers see all tenants, others their own."""

    id = Id()
    #: since when signing in takes a second step; None: the password alone (tenants/people/second.py)
    second_factor_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(AbstractUser.Meta):
        swappable = "AUTH_USER_MODEL"


class SecondFactor(Model):
    """What an account signs in with beside its password: an app that makes codes, or a passkey."""

    class Kind(models.TextChoices):
        APP = "app"
        PASSKEY = "passkey"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="factors")
    kind = models.CharField(max_length=7, choices=Kind)
    name = models.CharField(max_length=60)
    handle = models.CharField(max_length=64, unique=True)  # SHA-256 of a passkey's id; of an app, of its account's
    secret: Any = EncryptedJSONField()  # an app's key; a passkey's id and public key
    counter = models.BigIntegerField(default=0)  # the last step of an app's clock, or count of a passkey's uses
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class RecoveryCode(Model):
    """A code on paper that signs an account in once, for a day on which its device is lost."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64)  # SHA-256, hex, of 80 random bits
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["user", "code_hash"], name="recovery_code_by_user")]

    def __str__(self) -> str:
        return f"a code of {self.user}"


class StaffSession(Model):
    """Where an account is signed in to the console: one browser's session (tenants/people/sessions.py)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="staff_sessions")
    key = models.CharField(max_length=40, unique=True)  # of Django's session
    ip = models.GenericIPAddressField(null=True, blank=True)
    browser = models.CharField(max_length=300, blank=True)  # as it names itself
    seen_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.user} from {self.ip}"


class Role(TenantModel):
    """A named set of permissions (tenants/access/permissions.py) within one tenant."""

    name = models.CharField(max_length=60)
    permissions = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "name"], name="role_name_per_tenant")
        ]

    def __str__(self) -> str:
        return self.name


class Membership(TenantModel):
    """A staff member's place in a tenant. ``picture``: what visitors see beside the name (tenants/staff.py)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="memberships")
    picture = models.CharField(
        max_length=500, blank=True, validators=[URLValidator(["https"])],
        help_text="Address of a square picture that visitors see beside the name; https",
    )  # fmt: skip
    alerts = models.JSONField(null=True, blank=True, editable=False)  # tenants/members/alert_choice.py; None: all
    desk = models.JSONField(
        null=True, blank=True, editable=False
    )  # tenants/members/desk.py; None: as the tenant has it
    #: when a rule gave them a conversation the last time (messaging/agents/rule.py): whose turn it is, and a claim
    assigned_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "user"], name="one_membership_per_tenant")
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.role}"


class Invitation(TenantModel):
    """A person who was invited to the tenant (tenants/access/invitations.py). The link is stored as a hash."""

    email = models.EmailField(max_length=150)  # small letters; the user name of a new account
    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="invitations")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)  # SHA-256, hex
    expires_at = models.DateTimeField(editable=False)
    sent_at = models.DateTimeField(null=True, blank=True, editable=False)  # None: the e-mail could not be sent
    accepted_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    link = ""  # no column: of the act that has just made it, where no e-mail takes it

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant", "email", "id"], name="invitation_by_email")]

    def __str__(self) -> str:
        return self.email


class Team(TenantModel):
    """Members of staff who share conversations. ``languages`` (BCP 47) and ``skills``: what it is good at; empty: all."""

    name = models.CharField(max_length=60)
    languages = models.JSONField(default=list, blank=True)
    skills = models.JSONField(default=list, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "name"], name="team_name_per_tenant")
        ]

    def __str__(self) -> str:
        return self.name


class TeamMember(TenantModel):
    """A member of staff of a team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="members")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="teams")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["team", "membership"], name="once_in_a_team")
        ]

    def __str__(self) -> str:
        return f"{self.membership.user} in {self.team}"


class ApiKey(TenantModel):
    """An integrator's key: shown once, stored as a hash, found by its prefix."""

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    key_hash = models.CharField(max_length=64, editable=False)  # SHA-256, hex
    scopes = models.JSONField(default=list)  # permissions
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class RevokedToken(Model):
    """A JWT that must not be taken any more before it expires."""

    jti = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.jti


class AuditSeal(TenantModel):
    """A batch of a tenant's audit entries under one hash, with the hash of the batch before (tenants/trail/seals.py)."""

    number = models.PositiveBigIntegerField()  # from 1, without gaps
    previous = models.CharField(max_length=64, blank=True)  # "" of the first
    hash = models.CharField(max_length=64)  # SHA-256, hex
    entries = models.PositiveIntegerField()
    last_at = models.DateTimeField()  # of the latest entry
    purged_at = models.DateTimeField(null=True, blank=True)  # its entries are kept no longer
    #: what only a process with our keys can have written: whether a seal follows it, and when its entries were taken away
    place: Any = EncryptedJSONField(null=True, editable=False)
    purged: Any = EncryptedJSONField(null=True, editable=False)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "number"], name="audit_seal_number")
        ]

    def __str__(self) -> str:
        return f"seal {self.number}"


class AuditEntry(TenantModel):
    """One act on configuration, personal data or privacy; append-only (TEN-6)."""

    actor = models.CharField(max_length=200)  # "user:<name>", "key:<prefix>", "system"
    action = models.CharField(max_length=80, db_index=True)  # e.g. "channel.updated"
    target = models.CharField(max_length=200, blank=True)  # "<model>:<id>"
    changes = models.JSONField(default=dict, blank=True)  # names of what changed; never a secret or text
    ip = models.GenericIPAddressField(null=True, blank=True)
    seal = models.ForeignKey(AuditSeal, on_delete=models.PROTECT, null=True, editable=False, related_name="sealed")

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["seal", "tenant", "id"], name="audit_by_seal"),
            models.Index(fields=["tenant", "created_at"], name="audit_by_time"),
            models.Index(fields=["tenant", "target", "id"], name="audit_by_target"),
        ]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.target}"

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding:
            raise TypeError("the audit trail is append-only")
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> Any:
        raise TypeError("the audit trail is append-only")


class IdempotencyRecord(TenantModel):
    """The saved answer to an unsafe request that carried an ``Idempotency-Key`` (API-6)."""

    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)  # SHA-256 of method, path and body
    running_until = models.DateTimeField()
    status = models.PositiveSmallIntegerField(default=0)  # 0: still running
    body = models.TextField(default="", blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "key"], name="idempotency_key_per_tenant")
        ]

    def __str__(self) -> str:
        return self.key


class ServiceProcess(Model):
    """A process of the service that works on this database, while it lives (chatsvc/observe/pulse.py)."""

    role = models.CharField(max_length=40)
    place = models.CharField(max_length=200)  # where ``pid`` means this process
    pid = models.PositiveIntegerField()
    seen_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.role}, process {self.pid} on {self.place.partition('/')[0]}"


__all__ = [
    "ApiKey",
    "AuditEntry",
    "AuditSeal",
    "EncryptedJSONField",
    "IdempotencyRecord",
    "Membership",
    "OAuthClient",
    "OAuthCode",
    "RecoveryCode",
    "Removal",
    "RevokedToken",
    "Role",
    "SecondFactor",
    "ServiceProcess",
    "StaffSession",
    "Team",
    "TeamMember",
    "Tenant",
    "TokenFamily",
    "TrustedIssuer",
    "User",
    "new_id",
]
