"""The console's pages on what moves; importing them registers them."""

from messaging.admin import channels, conversations, deliveries, failures, files
from messaging.integrators import admin as endpoints

__all__ = ["channels", "conversations", "deliveries", "endpoints", "failures", "files"]
