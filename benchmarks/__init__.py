"""Benchmarks: the service beside a bare view, on one server and one database, in one run."""
