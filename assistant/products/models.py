"""Where a tenant's products are asked for."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from tenants.storage.crypto import EncryptedJSONField
from tenants.storage.db import TenantModel


class ProductSource(TenantModel):
    """The tenant's Adaptor Service; one at most. ``token`` goes along as ``Authorization: Bearer``. Without ``url`` it is the
    ``products`` that are written down here, in the shape in which an Adaptor Service lists them."""

    url = models.CharField(max_length=2048, blank=True)
    products = models.JSONField(default=list, blank=True)
    token = EncryptedJSONField(default=str, blank=True)
    enabled = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant"], name="product_source_per_tenant")
        ]

    def __str__(self) -> str:
        return self.url or f"{len(self.products)} products"
