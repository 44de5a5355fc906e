"""Questions with what a good answer to them has, per tenant, and how an engine does on them (AI-10)."""
