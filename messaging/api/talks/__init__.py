"""Addresses of one conversation or one message: its acts, its parts, its export."""
