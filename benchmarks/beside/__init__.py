"""What the service is measured beside: bare views and consumers, the usual way, an engine that costs nothing."""
