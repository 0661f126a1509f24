"""The choices that a figure depends on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class OeePolicy:
    """The choices that an OEE figure depends on; versioned, and named with every result.

    A stored version is never changed: another choice is another version, and every figure that
    was computed by an older one is computed again and restated with the cause `policy`.
    """

    version: int = 1
    minor_stop_threshold_s: float = 300.0
    """Stops shorter than this are minor stops."""
    minor_stops_in: str = "availability"
    """`availability` (ISO 22400: delay time) or `effectiveness` (TPM: they stay in run time)."""
    breaks_in: str = "planned_downtime"
    """`planned_downtime`: breaks are outside planned busy time. `busy_time`: they are not, and a
    machine that stands in one loses availability."""
    setup_in: str = "availability"
    """`availability` (ISO 22400: setup is busy time that does not produce) or `planned_downtime`
    (setup is outside planned busy time)."""
    failure_states: tuple[str, ...] = ("breakdown",)
    """Kinds of stop (`plant.state.StopKind`) that are failures."""
    failure_at_least_s: float = 0.0
    """Stops shorter than this are no failures."""
    failure_merge_s: float = 0.0
    """Failures with less than this between them are one (the machine was not really repaired)."""
    mtbf_per: str = "failure"
    """`failure` divides by FE, `failure_plus_1` by FE + 1."""
    order_from: str = "machine"
    """Whose order counts where both the machine and an MES tell one: `machine` or `mes`."""
    minor_stop_thresholds_s: Mapping[str, float] = field(default_factory=dict)
    """Thresholds of machines that have their own, by `area/line/machine`."""

    def minor_stop_threshold_ms(self, machine: str) -> int:
        """Return the threshold of a machine, given by its whole path."""
        below_site = machine.split("/", 2)[-1]
        own = self.minor_stop_thresholds_s.get(below_site, self.minor_stop_threshold_s)
        return round(own * 1000)


def policies_differ(policies: Iterable[OeePolicy]) -> bool:
    """Tell whether figures of these policies are formed by different choices.

    Versions and thresholds of single machines are each site's own, and no other choice.
    """
    found: list[OeePolicy] = []
    for policy in policies:
        choices = replace(policy, version=0, minor_stop_thresholds_s={})
        if choices not in found:
            found.append(choices)
    return len(found) > 1
