"""An edge announces its tags, natively or by Sparkplug: what is stored, and what is refused."""

from collections.abc import Sequence
from datetime import datetime

from ingest.commit.new_rows import readable
from ingest.decoding.birth import Site, tag_changes
from ingest.decoding.message import Message
from ingest.validation.registry import Registry
from plant.native.message import TagDeclaration
from store.delivery.row import DeliveryTransaction, EdgeRow
from store.rejection.rejection import Rejection


def announce(
    transaction: DeliveryTransaction,
    registry: Registry,
    edge: EdgeRow,
    declarations: Sequence[TagDeclaration],
    message: Message,
    epoch: str,
    now: datetime,
) -> list[Rejection]:
    """Store what is new or changed, make it known to the registry, and return what is refused."""
    # Before the tags are read: two workers with births of one site would each judge by tags that
    # the other is about to change, and a role could get two tags. Births are locked in the order of
    # their coming, so two workers may wait in a circle; PostgreSQL ends one, and its group is tried
    # again.
    transaction.lock_site(edge.site_id)
    site = Site(
        transaction.work_units(edge.site_id),
        transaction.tags_about(edge.site_id, [one.name for one in declarations]),
        frozenset(row.edge_id for row in transaction.edges() if row.online),
    )
    changes, refusals = tag_changes(
        edge, declarations, site, live=not message.retained, room=registry.room(edge)
    )
    transaction.save_tags(changes, now)
    # Nothing changed and yet no tag known: another worker stored them since this one read the site.
    if changes or not registry.has_tags(edge):
        registry.learn(transaction, edge.site_id, [change.tag.name for change in changes])
    # Stored by a transaction whose answer was lost: nothing changes now, and yet they are new here.
    refused = {refusal.name for refusal in refusals}
    strange = registry.strange(edge, [one.name for one in declarations if one.name not in refused])
    if strange:
        registry.look_up(transaction, edge.site_id, strange)
    return [
        Rejection(
            received_time=message.received_time,
            topic=readable(message.topic),
            reason=refusal.reason,
            detail=readable(refusal.detail),
            raw=refusal.raw,
            edge_id=edge.edge_id,
            epoch=epoch,
            row_id=refusal.index,
            tag_name=readable(refusal.name),
            # A birth is retained and heard with every connection: its refused tag is one row, not
            # thousands.
            once=True,
        )
        for refusal in refusals
    ]
