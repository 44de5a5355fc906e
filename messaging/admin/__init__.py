"""The console's pages on what moves; importing them registers them."""

from messaging.admin import channels, conversations, deliveries, files
from messaging.integrators import admin as endpoints

__all__ = ["channels", "conversations", "deliveries", "endpoints", "files"]
