"""The service in one process under a scheduler with a seed: the real code, an order of steps that the seed decides,
and the promises looked at after every step. docs/testing.md tells how to use it."""
