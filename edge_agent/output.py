"""Where an edge sends to: our platform, or a Sparkplug host."""

from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeAlias

from edge_agent.broker import AddressChoice, PahoLink, VersionChoice
from edge_agent.enrolment.renewal import Renewal
from edge_agent.outbox import Outbox
from edge_agent.pace import wall_seconds
from edge_agent.publisher import Condition, Publisher, Refusals, Sizing
from edge_agent.selfstat import Counters
from edge_agent.settings import EdgeSettings
from plant.clock import Clock
from plant.native.message import Leaf

if TYPE_CHECKING:
    from edge_agent.sparkplug.publisher import SparkplugPublisher

AnyPublisher: TypeAlias = "Publisher | SparkplugPublisher"


def make_publisher(
    settings: EdgeSettings,
    outbox: Outbox,
    counters: Counters,
    clock: Clock,
    condition: Callable[[], Condition],
    on_config: Callable[[bytes], None],
    renewal: Renewal,
    sizing: Sizing,
    refusals: Refusals,
) -> AnyPublisher:
    """Return the publisher that the settings ask for; its connections follow a renewal."""
    if settings.output == "sparkplug":
        return _sparkplug(settings, outbox, counters, clock, condition, renewal)
    address = settings.edge.address()
    versions = VersionChoice(settings.broker.protocol)
    addresses = AddressChoice(settings.broker.addresses)
    config = address.topic(Leaf.CONFIG) if settings.configuration.accept else None

    def connect(will: bytes) -> PahoLink:
        link = PahoLink(
            settings.broker,
            versions,
            address.client_id,
            address.topic(Leaf.ACK),
            (address.topic(Leaf.STATUS), will),
            optional=config,
            addresses=addresses,
        )
        renewal.attach(link)
        return link

    return Publisher(
        settings,
        outbox,
        counters,
        connect,
        clock,
        version("nhipmay"),
        condition,
        lambda: wall_seconds(clock, settings.publishing.status_interval_s),
        on_config=on_config,
        sizing=sizing,
        refusals=refusals,
    )


def _sparkplug(
    settings: EdgeSettings,
    outbox: Outbox,
    counters: Counters,
    clock: Clock,
    condition: Callable[[], Condition],
    renewal: Renewal,
) -> "SparkplugPublisher":
    # Imported on use: few edges speak Sparkplug, and memory is short on all of them.
    from edge_agent.sparkplug.bd_seq import BdSeq
    from edge_agent.sparkplug.link import PahoNodeLink
    from edge_agent.sparkplug.publisher import SparkplugPublisher
    from plant.sparkplug import MessageType, state_topic

    node = settings.sparkplug_node()
    host = settings.sparkplug.primary_host
    versions = VersionChoice(settings.broker.protocol)
    addresses = AddressChoice(settings.broker.addresses)
    subscriptions = [node.topic(MessageType.NCMD)]
    if host is not None:
        subscriptions.append(state_topic(host))
    # The compatibility kit wants it of every node; commands to devices are passed over.
    subscriptions.append(node.topic(MessageType.DCMD, "+"))

    def connect(will: tuple[str, bytes]) -> PahoNodeLink:
        client_id = settings.edge.address().client_id
        link = PahoNodeLink(
            settings.broker, versions, client_id, subscriptions, will, addresses=addresses
        )
        renewal.attach(link)
        return link

    return SparkplugPublisher(
        settings,
        outbox,
        counters,
        connect,
        clock,
        version("nhipmay"),
        condition,
        BdSeq(settings.bd_seq_file()),
    )
