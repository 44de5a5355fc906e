"""What the demo's colleagues use while they answer: canned replies, labels and a team."""

from __future__ import annotations

from messaging.agents.members import team_save
from messaging.agents.models import CannedReply, Label
from tenants.models import Team, Tenant

#: shortcut → title and words
REPLIES = {
    "hello": ("A greeting", "Hello {{first_name}}, this is {{agent}}. How can I help?"),
    "order": (
        "Ask for the order number",
        "Could you tell me your order number? It begins with AC and is in our e-mail.",
    ),
    "refund": (
        "A refund is on its way",
        "Your refund of {{amount}} is on its way. It takes three to five working days.",
    ),
    "return": ("How to send something back", "You can send it back within 30 days. The label is in the parcel."),
    "thanks": ("Say goodbye", "You are welcome, {{first_name}}. Enjoy your time outdoors!"),
}
LABELS = {"Refund": "red", "Delivery": "blue", "Gift": "purple", "Wholesale": "teal"}
TEAMS = {"Orders and refunds": ("en", "de")}


def desk_seed(tenant: Tenant, people: list[str]) -> None:
    """Adds what is missing; what was changed stays. ``people``: user names of the team's members."""
    for shortcut, (title, said) in REPLIES.items():
        facts = {"title": title, "language": "en", "content": {"type": "text", "text": said}}
        CannedReply.objects.get_or_create(tenant=tenant, shortcut=shortcut, defaults=facts)
    for name, color in LABELS.items():
        Label.objects.get_or_create(tenant=tenant, name=name, defaults={"color": color})
    for name, languages in TEAMS.items():
        if not Team.objects.filter(name=name).exists():
            team_save(Team(tenant=tenant, name=name, languages=list(languages)), people)
