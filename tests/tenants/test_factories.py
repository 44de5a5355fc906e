"""Factories make whole rows, all of one tenant."""

from __future__ import annotations

import pytest

from tenants.scope import tenant_scope
from tests import factories

SCOPED = [
    factories.RoleFactory,
    factories.MembershipFactory,
    factories.ChannelFactory,
    factories.ContactFactory,
    factories.IdentityFactory,
    factories.SessionFactory,
    factories.ConversationFactory,
    factories.MessageFactory,
    factories.DeliveryFactory,
]


@pytest.mark.parametrize("made_by", SCOPED, ids=lambda made_by: made_by._meta.model.__name__)
def test_a_row_and_all_it_points_to_belong_to_the_tenant(made_by, tenant, other_tenant):
    row = made_by(tenant=tenant)
    links = [field.name for field in row._meta.fields if field.is_relation and hasattr(field.related_model, "tenant")]
    assert {getattr(row, name).tenant for name in links if getattr(row, name)} <= {tenant}
    with tenant_scope(tenant.id):
        assert type(row).objects.filter(pk=row.pk).exists()
    with tenant_scope(other_tenant.id):
        assert not type(row).objects.filter(pk=row.pk).exists()


def test_messages_of_one_conversation_are_numbered(tenant):
    conversation = factories.ConversationFactory(tenant=tenant)
    first, second = factories.MessageFactory.create_batch(2, tenant=tenant, conversation=conversation)
    assert (first.seq, second.seq, conversation.last_seq) == (1, 2, 2)
