"""How business goes: figures by day, channel, team and member of staff, rolled up from the timeline (ADM-3, OPS-5).

``facts`` says what an event adds, ``spread`` and ``sheet`` what is kept, ``write`` adds it, ``rebuild`` counts a day anew,
``asked`` and ``read`` tell it. No message is ever read for them.
"""
