"""How dates are written in the console."""
