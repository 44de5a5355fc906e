"""Addresses of what moves or has moved: visits, events, dead letters."""
