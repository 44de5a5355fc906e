"""What an engine does by REST without being asked (docs/engine.md)."""
