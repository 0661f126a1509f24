"""Which messages are this worker's: workers split the sites without any state between them."""

from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

from ingest.decoding.sender import site_of


@dataclass(frozen=True, slots=True)
class Share:
    """The sites of worker `index` of `count`, by a hash of the site that never changes."""

    index: int = 0
    count: int = 1

    def owns(self, topic: str) -> bool:
        """Tell whether a message of this topic is for this worker."""
        return self.count == 1 or _number(site_of(topic)) % self.count == self.index


@lru_cache(maxsize=4096)
def _number(site: str) -> int:
    # Not `hash`, which differs from process to process: all workers have to come to the same share.
    return crc32(site.encode("utf-8", "replace"))
