"""The steps of the journey for many rows at once, by the functions that do each for one alone (docs/decisions/0042)."""
