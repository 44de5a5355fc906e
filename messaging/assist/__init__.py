"""What the assistant does for staff: proposals, comparisons, summaries. Nothing here speaks to a person (AI-10)."""
