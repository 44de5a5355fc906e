"""How providers are spoken to: one module per wire, over the provider's own SDK."""
