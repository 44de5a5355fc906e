"""Threads between people about a learner (API-3): who takes part, what they wrote, and what each may do.

A thread is a conversation of the kind ``thread`` (docs/decisions/0049): same tables, numbers, search, erasure and retention.
No engine answers in it and no platform is called. Must not know HTTP.
"""
