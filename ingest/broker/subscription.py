"""What a worker asks the broker for: no more than its share, yet nothing unheard.

Data are nearly all of the traffic, so a worker among several asks for them site by site: for its
own sites, as soon as it hears of one. It hears of a site by births and heartbeats, which are few,
retained, and come before any data; those it asks for from everywhere, and passes over what is not
its own. Values of devices are asked for from everywhere too: nobody would send them again.
"""

from ingest.broker.share import Share
from ingest.decoding.sender import site_of
from plant.native.message import TOPIC_ROOT, Leaf

_MOST_SITES = 10_000


class Subscriptions:
    """The topic filters of one worker; they grow with the sites it hears of.

    Only the thread of the connection may use it.
    """

    def __init__(self, share: Share) -> None:
        self._share = share
        self._sites: set[str] = set()
        self._left: set[str] = set()
        self._everywhere = share.count == 1
        """Whether data are asked for from all sites at once."""

    def wanted(self) -> list[str]:
        """Return the filters to ask for on a new connection."""
        leaves = [Leaf.BIRTH, Leaf.STATUS, Leaf.VALUES]
        if self._everywhere:
            return [_filter("+/+", leaf) for leaf in [*leaves, Leaf.DATA]]
        everywhere = [_filter("+/+", leaf) for leaf in leaves]
        return everywhere + [_filter(site, Leaf.DATA) for site in sorted(self._sites)]

    def unwanted(self) -> list[str]:
        """Return the filters that the broker may remember of other settings."""
        return [] if self._everywhere else [_filter("+/+", Leaf.DATA)]

    def heard(self, topic: str) -> str | None:
        """Return the filter to ask for after a message of this topic, which is of our share."""
        site = site_of(topic)
        if self._everywhere or site in self._sites or len(self._sites) >= _MOST_SITES:
            return None
        self._sites.add(site)
        return _filter(site, Leaf.DATA)

    def overheard(self, topic: str) -> str | None:
        """Return the filter to give up after a message of this topic, which is not of our share.

        The workers may have been fewer when the broker was asked for it.
        """
        site = site_of(topic)
        if self._everywhere or not topic.endswith(f"/{Leaf.DATA}") or site in self._left:
            return None
        if len(self._left) < _MOST_SITES:
            self._left.add(site)
        return _filter(site, Leaf.DATA)

    def instead_of(self, denied: str) -> list[str] | None:
        """Return what to ask for instead of a filter that was denied; None for an essential one.

        Devices without an outbox are few, and an access list may know none. Some brokers grant so
        many filters to a session and no more (NATS about sixty): then one for all sites does, at
        the price of passing over what is not ours.
        """
        if denied == _filter("+/+", Leaf.VALUES):
            return []
        if not denied.endswith(f"/{Leaf.DATA}") or denied == _filter("+/+", Leaf.DATA):
            return None
        if self._everywhere:
            return []
        self._everywhere = True
        return [_filter("+/+", Leaf.DATA)]


class FixedSubscriptions(Subscriptions):
    """Filters that are what they are."""

    def __init__(self, filters: list[str]) -> None:
        super().__init__(Share())
        self._filters = filters

    def wanted(self) -> list[str]:
        """Return the filters."""
        return self._filters


def _filter(site: str, leaf: str) -> str:
    return f"{TOPIC_ROOT}/{site}/+/{leaf}"
