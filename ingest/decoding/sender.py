"""Whose a message is, by its topic."""

from plant.sparkplug import NAMESPACE


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
