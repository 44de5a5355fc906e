"""The inbox of the console: where support staff live (ADM-2).

Owns its addresses below ``/admin/inbox/`` and what they show: lists, one conversation, what is done with it. Must not
write rows: verbs are those of messaging/admin/conversations.py and the rules behind them.
"""
