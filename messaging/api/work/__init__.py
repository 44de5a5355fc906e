"""Addresses of what moves or has moved: visits and dead letters."""
