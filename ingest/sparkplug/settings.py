"""Settings of the Sparkplug host application: which nodes are ours, and what they measure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from plant.errors import ConfigurationError
from plant.measurement import TEXT_ROLES, TagRole, ValueType
from plant.native.message import EdgeAddress
from plant.place import checked_code
from plant.settings import Code, StrictModel
from plant.sparkplug import NodeId, checked_id
from plant.unit import factor_of


def _sparkplug_id(value: str) -> str:
    try:
        return checked_id(value)
    except ConfigurationError as exc:
        raise ValueError(str(exc)) from exc


def _work_unit(value: str) -> str:
    codes = value.split("/")
    if len(codes) != 3:
        raise ValueError(f"{value!r} is not area/line/machine (three codes joined by '/')")
    try:
        return "/".join(checked_code(code) for code in codes)
    except ConfigurationError as exc:
        raise ValueError(str(exc)) from exc


SparkplugId = Annotated[str, AfterValidator(_sparkplug_id)]
WorkUnitPath = Annotated[str, AfterValidator(_work_unit)]


class MetricSettings(StrictModel):
    """What one metric means; what is left out follows from the birth."""

    metric: Annotated[str, Field(min_length=1)]
    """Name of the metric in the birth."""
    device: str | None = None
    """Its device; left out, it is a metric of the node itself."""
    ignore: bool = False
    """The metric is not stored."""
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Name of the tag; left out, the machine's code, `/` and the metric's name."""
    role: TagRole = TagRole.NONE
    """What it means to the OEE of its machine."""
    value_type: ValueType | None = None
    """`number` or `text`; left out, it follows the role, then the data type."""
    unit: str = ""
    """Unit of measure as a UCUM code, of the scaled value; of energy it becomes kWh."""
    description: str = ""
    """What it is, in words."""
    low: float | None = None
    """Lowest physically possible value."""
    high: float | None = None
    """Highest physically possible value."""
    counter_modulus: Annotated[float, Field(gt=0)] | None = None
    """Value at which a cumulative counter wraps to zero."""
    max_rate_per_s: Annotated[float, Field(gt=0)] | None = None
    """Fastest plausible growth of a cumulative counter."""
    max_silence_s: Annotated[float, Field(gt=0)] | None = None
    """Seconds for which the last value may stand; left out, that of the node."""
    scale: float = 1.0
    """A value is multiplied by this."""
    offset: float = 0.0
    """Added after scaling."""
    states: dict[int, str] = {}
    """Names of the codes of a state, such as `6: EXECUTE`."""

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if self.role in TEXT_ROLES and self.value_type is ValueType.NUMBER:
            raise ValueError(f"a metric with the role '{self.role}' is text")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        try:
            factor_of(self.role, self.unit)
        except ConfigurationError as exc:
            raise ValueError(str(exc)) from exc
        return self


class NodeSettings(StrictModel):
    """One edge node: which edge it is to us, and which machines its devices are."""

    group_id: SparkplugId
    """Its group."""
    edge_node_id: SparkplugId
    """Its own id within the group."""
    enterprise: Code
    """Code of the enterprise."""
    site: Code
    """Code of the site."""
    edge: Code
    """Code of the edge that the node is to us; the plant file lists it under its site."""
    work_unit: WorkUnitPath | None = None
    """Machine of the node's own metrics, `area/line/machine`; left out, they are not stored."""
    devices: dict[SparkplugId, WorkUnitPath] = {}
    """Machine of each device, `area/line/machine`; our own edge agent says it by itself."""
    metrics: list[MetricSettings] = []
    """What single metrics mean."""
    counts_connections: bool = True
    """The node's deaths carry the bdSeq of its births. Say no for nodes that count wrongly (such as
    mqtt-spb-wrapper): then every death is believed, a late one of an earlier connection too."""
    max_silence_s: Annotated[float, Field(gt=0)] = 3600.0
    """Seconds for which a value may stand without a new report; nodes report changes only."""

    @property
    def node(self) -> NodeId:
        """The node as topics name it."""
        return NodeId(self.group_id, self.edge_node_id)

    @property
    def address(self) -> EdgeAddress:
        """The edge that the node is to us."""
        return EdgeAddress(self.enterprise, self.site, self.edge)

    @model_validator(mode="after")
    def _devices_exist(self) -> Self:
        keys = [(metric.device, metric.metric) for metric in self.metrics]
        twice = sorted(
            {f"{device}: {name}" for device, name in keys if keys.count((device, name)) > 1}
        )
        if twice:
            raise ValueError(f"metrics named twice: {', '.join(twice)}")
        return self


class SparkplugSettings(StrictModel):
    """The Sparkplug host application of the ingest; left out, there is none."""

    host_id: SparkplugId = "nhipmay"
    """Its id: nodes that wait for their primary host name it. Unique within the broker."""
    nodes: Annotated[list[NodeSettings], Field(min_length=1)]
    """The edge nodes whose data are stored."""
    reorder_timeout_s: Annotated[float, Field(ge=0, le=60)] = 2.0
    """How long a missing message is waited for before the node is asked for its births."""
    rebirth_delay_s: Annotated[float, Field(ge=0, le=60)] = 0.5
    """How long a request for births waits, in case they come by themselves."""
    rebirth_pause_s: Annotated[float, Field(ge=1, le=3600)] = 10.0
    """Shortest time between two such requests to a node; doubled while it does not answer."""
    rebirths_per_s: Annotated[float, Field(ge=1, le=10_000)] = 100.0
    """Requests to all nodes together at most, as after a restart, when every node is asked."""
    status_interval_s: Annotated[float, Field(ge=1, le=60)] = 5.0
    """How often a node that is there is noted as being there."""
    offline_after_s: Annotated[float, Field(ge=1, le=60)] = 5.0
    """After so long without the database the host says that it is away, so that nodes keep data."""
    max_payload_bytes: Annotated[int, Field(ge=1_000, le=64_000_000)] = 4_000_000
    """Larger messages are refused, and those that are larger when inflated; they are kept raw."""
    certificate_file: Path | None = None
    """Certificate (PEM, with its key) of this session, where the broker takes its client id from
    it; left out, that of `broker.tls`."""

    @model_validator(mode="after")
    def _nodes_are_unique(self) -> Self:
        _check_names(self.nodes)
        nodes = [str(node.node) for node in self.nodes]
        edges = [f"{node.address.site_path}/{node.edge}" for node in self.nodes]
        for what, keys in (("nodes", nodes), ("edges", edges)):
            twice = sorted({key for key in keys if keys.count(key) > 1})
            if twice:
                raise ValueError(f"{what} named twice: {', '.join(twice)}")
        return self


def _check_names(nodes: Sequence[NodeSettings]) -> None:
    """Refuse settings that give two metrics of a site the same tag."""
    holders: dict[tuple[str, str], str] = {}
    for node in nodes:
        for metric in node.metrics:
            if metric.name is None or metric.ignore:
                continue
            where = "" if metric.device is None else f"{metric.device}: "
            own = f"{node.node}: {where}{metric.metric}"
            other = holders.setdefault((node.address.site_path, metric.name), own)
            if other != own:
                raise ValueError(f"{other} and {own} cannot both be the tag {metric.name!r}")
