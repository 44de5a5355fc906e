"""CPU time of a message, in one process without a server: ``python -m benchmarks.cpu``."""
