"""Addresses of a tenant's API keys and of its audit trail. Their rows are tenants'; the times they show are of channels_app."""
