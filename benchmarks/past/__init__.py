"""What messages cost, and pages, when many of them are there already."""
