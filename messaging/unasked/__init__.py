"""What an engine does without being asked (AI-11)."""
