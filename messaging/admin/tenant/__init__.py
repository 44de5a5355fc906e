"""The console's pages on what a tenant may set; importing them registers them. Must not hold a rule of any setting."""

from messaging.admin.tenant import hours, safety, settings

__all__ = ["hours", "safety", "settings"]
