"""What people and platforms tell beside messages: presence, delivery status, edits and reactions. Each may come twice."""
