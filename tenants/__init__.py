"""Whose data it is: tenants, access, secrets, audit."""
