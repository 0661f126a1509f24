"""Which messages are this worker's: workers split the sites without any state between them."""

from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

from plant.sparkplug import NAMESPACE


@dataclass(frozen=True, slots=True)
class Share:
    """The sites of worker `index` of `count`, by a hash of the site that never changes."""

    index: int = 0
    count: int = 1

    def owns(self, topic: str) -> bool:
        """Tell whether a message of this topic is for this worker."""
        return self.count == 1 or _number(site_of(topic)) % self.count == self.index


def site_of(topic: str) -> str:
    """Return the `enterprise/site` of a topic; whatever stands in its place in another one."""
    return "/".join(topic.split("/", 4)[2:4])


def sender_of(topic: str) -> str:
    """Return whose messages stay in their order: a site, or the group and id of a Sparkplug node.

    The sequence of a Sparkplug node runs through all of its messages, of whatever type and device.
    """
    if not topic.startswith(f"{NAMESPACE}/"):
        return site_of(topic)
    levels = topic.split("/", 4)
    return "/".join((NAMESPACE, *levels[1:2], *levels[3:4]))


@lru_cache(maxsize=4096)
def _number(site: str) -> int:
    return crc32(site.encode("utf-8", "replace"))
