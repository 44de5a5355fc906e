from django.apps import AppConfig
from django.db.models import Q
from django.db.models.signals import pre_delete


class Config(AppConfig):
    name = "messaging"
    verbose_name = "Messaging"

    def ready(self) -> None:
        from conversations.contacts.identities import attach_demands, detach_demands
        from conversations.contacts.merges import demands, when_joined, when_parted
        from conversations.models import Attachment
        from conversations.timeline import on_change, on_contact, on_queue
        from messaging import heads, wake
        from messaging.agents.models import ScheduledReply  # with the other tables of staff
        from messaging.consent.merged import stop_returns, stop_spreads
        from messaging.deliver import file_sent_again
        from messaging.housekeeping.gone import erased_gives_up
        from messaging.integrators.endpoints import PING
        from messaging.live.attending import contact_shown
        from messaging.live.staff import conversation_changed
        from messaging.media.transcribe import when_heard
        from messaging.models import Delivery, InboundEvent, StaffAlert, Turn, WebhookDelivery
        from messaging.privacy import models as _privacy  # noqa: F401  with the tables of privacy
        from messaging.privacy.holds import demand_no_hold, demand_not_erased
        from messaging.privacy.tombstones import demand_no_tombstone
        from messaging.reports.delivery_status import when_failed
        from messaging.rules.control import words_judged
        from tenants.models import User
        from tenants.work.leases import Table, register

        pre_delete.connect(erased_gives_up, sender=User)
        on_change.append(conversation_changed)
        on_contact.append(contact_shown)
        on_queue.append(wake.queue_changed)
        demands.append(demand_not_erased)
        when_joined.append(stop_spreads)
        when_parted.append(stop_returns)
        when_heard.append(words_judged)
        when_failed.append(file_sent_again)
        attach_demands.append(demand_no_tombstone)
        detach_demands.append(demand_no_hold)
        failed = "failed"
        receipts = Table(InboundEvent, "inbound", wake.parse, heads=heads.receipts, given_up=failed)
        deliveries = Table(Delivery, "deliver", wake.deliver, "conversation_id", heads.deliveries, given_up=failed)
        calls = Table(WebhookDelivery, "events", wake.call_endpoint, "endpoint_id", heads.calls, failed, ~Q(type=PING))
        register("receipts", receipts)
        register("turns", Table(Turn, "respond", wake.respond, given_up=failed))
        register("files", Table(Attachment, "background", wake.media, given_up=failed))
        register("alerts", Table(StaffAlert, "events", wake.send_alert, given_up=failed))
        register("scheduled", Table(ScheduledReply, "background", wake.say_scheduled, given_up=failed))
        register("deliveries", deliveries)
        register("calls", calls)
