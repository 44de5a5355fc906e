"""Staff who have the inbox open while conversations change: how soon each list shows it, and what that costs `ws`."""
