"""The console's pages on channels; importing them registers them."""

from messaging.admin.channels import page

__all__ = ["page"]
