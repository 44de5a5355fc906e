"""How each outside channel speaks."""
