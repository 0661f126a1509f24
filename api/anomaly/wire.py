"""The JSON of anomalies."""

from datetime import time, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from api.http.wire import Listing, Page, Time, Wire

Role = Annotated[
    Literal["operator", "engineer", "supervisor"],
    Field(description="As what somebody speaks; never a name."),
]
_LONGEST_HISTORY = timedelta(days=366)
Place = Annotated[str, Field(max_length=400, description="Path of the machine.")]


class CauseOut(Wire):
    """A signal's part in an event."""

    name: str | None
    unit: str | None
    feature: str | None = Field(
        default=None,
        description="Of a cycle: `mean`, `least`, `most`, `spread`, `centre`, or its `duration`.",
    )
    share: float = Field(description="Of all that speaks for the event; the first is the largest.")
    deviation: float = Field(description="Signed, in the signal's usual scatter.")
    actual: float
    expected: float = Field(description="What was normal there and then.")


class EventOut(Wire):
    """Something that was found."""

    event_id: str
    place: str
    model_id: int | None = Field(description="The model that found it, if it took one.")
    kind: str = Field(
        description=(
            "`model`, `wear`, `stuck`, `range`, `gap`, `clock`, `limit`, `silence`: data stopped,"
            " or `wander`: the model itself has moved away from the one that was approved."
        )
    )
    tag: str | None
    start_time: Time
    opened_at: Time
    end_time: Time | None = Field(description="Null while it lasts.")
    peak: float = Field(description="Highest score; 1 is the largest of what was normal.")
    severity: float = Field(description="Peak times seconds.")
    relearned: bool = Field(description="Its level was taken for the new one, as it lasted.")
    trial: bool = Field(description="Of history, before the model was approved.")
    final: bool = Field(description="Late data cannot change it any more.")
    causes: list[CauseOut]
    context: dict[str, Any] = Field(
        description=(
            "`product`, `order`, `shift`, `state` at its start. Of wear `remaining_h`, hours until"
            " failure, between `earliest_h` and `latest_h` by 90 % (null: not foreseen). Of clocks"
            " `clock`: `offset` (of `edge`, by `offset_s`), `future` or `back`. Of `wander` the"
            " `bound`; its cause has as `actual` the least step of the signal that the model sees,"
            " as `expected` the one it saw when approved, as `deviation` their ratio."
        )
    )
    verdict: str | None
    snoozed_until: Time | None
    cause: str | None
    stop_start: Time | None
    said_at: Time | None
    said_by: str | None


class EventPage(Listing[EventOut]):
    """One page of events."""

    meta: Page


class SignalOut(Wire):
    """A small chart of a signal."""

    tag: str
    unit: str
    times: list[Time]
    values: list[float]


class EventDetailOut(Wire):
    """An event with what its signals said around it."""

    event: EventOut
    series: list[SignalOut]


class RemarkIn(BaseModel):
    """What somebody says of an event."""

    model_config = ConfigDict(extra="forbid")

    client_id: UUID = Field(description="Made by the client; sending it again changes nothing.")
    place: Place
    event: Annotated[str, Field(max_length=120)]
    verdict: Literal["acknowledged", "snoozed", "not_anomaly", "confirmed", "reopened"]
    snooze_minutes: Annotated[int, Field(ge=5, le=7 * 1440)] | None = Field(
        default=None, description="With `snoozed`: for how long."
    )
    cause: Annotated[str, Field(max_length=500)] = ""
    stop_start: AwareDatetime | None = Field(
        default=None, description="With `confirmed`: `start` of the stop it led to."
    )
    role: Role = "engineer"

    @model_validator(mode="after")
    def _fits(self) -> "RemarkIn":
        if (self.snooze_minutes is not None) != (self.verdict == "snoozed"):
            raise ValueError("`snooze_minutes` belongs to the verdict `snoozed`, and to it alone")
        if self.verdict == "confirmed" and not self.cause.strip():
            raise ValueError("a confirmed event needs its `cause`")
        return self


class RemarkOut(Wire):
    """What became of a remark."""

    client_id: UUID
    repeated: bool = Field(description="It was stored before; nothing changed.")


class SuggestionOut(Wire):
    """A signal and whether a model should watch it."""

    tag: str
    unit: str
    description: str
    chosen: bool
    reason: str | None = Field(
        description="Why not: `silent`, `constant`, `counter`, or `duplicate` of `other`."
    )
    other: str | None
    readings: int
    least: float | None
    most: float | None


class StateSignalOut(Wire):
    """A signal that says words, with which of them a cycle may begin."""

    tag: str
    values: list[str] = Field(description="Said in the window, most often first.")


class SuggestionsOut(Wire):
    """The signals of a machine, and how to learn from them."""

    signals: list[SuggestionOut]
    states: list[StateSignalOut] = Field(description="Signals of words, of a dozen at most.")
    step_s: int
    first_time: Time | None
    last_time: Time | None


class ModelIn(BaseModel):
    """A model to be learned."""

    model_config = ConfigDict(extra="forbid")

    place: Place
    signals: Annotated[
        list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=512)
    ]
    cycle: Annotated[str, Field(max_length=200)] | None = Field(
        default=None,
        description="Signal that cuts the cycles of a press or moulding machine: each is a row.",
    )
    cycle_begins: (
        Annotated[float, Field(allow_inf_nan=False)]
        | Annotated[str, Field(min_length=1, max_length=200)]
        | None
    ) = Field(
        default=None,
        description=(
            "Value of `cycle` that a cycle begins with, a word where it says words; null: it"
            " counts parts."
        ),
    )
    reason: Literal["commissioning", "maintenance", "product", "feedback"] = "commissioning"
    step_s: Literal[1, 2, 5, 10, 15, 30, 60] = 1
    train_from: AwareDatetime
    train_to: AwareDatetime
    trial_to: AwareDatetime
    alarm: Annotated[float, Field(ge=1, le=20)] = Field(
        default=2.4, description="Score that opens an alarm; 1 is the largest of what was normal."
    )
    learn_rows: Annotated[int, Field(ge=200, le=100_000)] = Field(
        default=1200, description="Rows of each product before its model judges."
    )

    @model_validator(mode="after")
    def _ordered(self) -> "ModelIn":
        if not self.train_from < self.train_to <= self.trial_to:
            raise ValueError(
                "`train_from` must be before `train_to`, and `trial_to` not before that"
            )
        if self.trial_to - self.train_from > _LONGEST_HISTORY:
            raise ValueError("from `train_from` to `trial_to` may be 366 days at most")
        if self.cycle_begins is not None and self.cycle is None:
            raise ValueError("`cycle_begins` is a value of the signal `cycle`, which is missing")
        return self


class ModelOut(Wire):
    """A model of the registry."""

    model_id: int
    place: str
    status: str = Field(description="`learning`, `ready`, `live`, `retired` or `refused`.")
    reason: str
    because: str = Field(
        description="Of one that the service asked for: number of the maintenance, or product."
    )
    signals: list[str]
    cycle: str | None = Field(description="The signal whose cycles are the rows.")
    cycle_begins: float | str | None = Field(
        description="Its value or word with which a cycle begins; null: it counts parts."
    )
    step_s: float
    alarm: float
    learn_rows: int
    train_from: Time
    train_to: Time
    trial_to: Time
    scored_until: Time | None
    share_done: float = Field(description="Of learning and trial.")
    rows_learned: int
    missing: dict[str, float] = Field(description="By product: the part of its rows still missing.")
    left_out: dict[str, str] = Field(description="Signals that could not be learned from, and why.")
    data_hash: str | None
    false_per_day: float | None = Field(description="False alarms to expect per day of work.")
    created_at: Time
    created_by: str
    approved_at: Time | None
    approved_by: str | None
    retired_at: Time | None


class DecisionIn(BaseModel):
    """What is to become of a model."""

    model_config = ConfigDict(extra="forbid")

    place: Place
    model: int
    decision: Literal["approve", "as_approved", "refuse"] = Field(
        description=(
            "`approve` also takes a retired model back, and approves what a live one has become;"
            " `as_approved` has a live one go back to what it was when approved last."
        )
    )


class PrecisionOut(Wire):
    """How right events were."""

    place: str
    events: int
    confirmed: int
    false: int
    precision: float | None = Field(description="Confirmed of those that were judged.")
    lead_median_s: float | None = Field(description="From the event to the stop it led to.")


def _without_zone(moment: time) -> time:
    if moment.tzinfo:
        raise ValueError("times of day are local ones, without a zone")
    return moment


LocalTime = Annotated[
    time,
    AfterValidator(_without_zone),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?$",
            "examples": ["06:00"],
        }
    ),
]


class WindowIn(BaseModel):
    """A window of local times of day."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    start: LocalTime = Field(alias="from")
    end: LocalTime = Field(alias="to")


class LimitIn(BaseModel):
    """An alarm limit of a signal."""

    model_config = ConfigDict(extra="forbid")

    place: Place
    tag: Annotated[str, Field(max_length=200)]
    side: Literal["low", "high"]
    value: Annotated[float, Field(allow_inf_nan=False)]
    deadband: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    on_delay_s: Annotated[float, Field(ge=0, le=86_400)] = 0.0
    off_delay_s: Annotated[float, Field(ge=0, le=86_400)] = 0.0
    priority: Literal["low", "medium", "high"] = "medium"
    windows: Annotated[list[WindowIn], Field(max_length=12)] = []

    @model_validator(mode="after")
    def _windows_last(self) -> "LimitIn":
        # Seconds are not kept.
        if any(one.start.replace(second=0) == one.end.replace(second=0) for one in self.windows):
            raise ValueError("`from` and `to` are the same; without windows a limit always holds")
        return self


class LimitChangeIn(BaseModel):
    """What is to become of a limit."""

    model_config = ConfigDict(extra="forbid")

    place: Place
    limit: int
    change: Literal["shelve", "unshelve", "remove"]
    shelve_minutes: Annotated[int, Field(ge=5, le=7 * 1440)] = 60


class LimitOut(Wire):
    """An alarm limit in force."""

    limit_id: int
    place: str
    tag: str
    unit: str
    side: str
    value: float
    deadband: float
    on_delay_s: float
    off_delay_s: float
    priority: str
    windows: list[dict[str, str]]
    shelved_until: Time | None
    shelved_by: str | None
    created_by: str
    active: bool


class FloodOut(Wire):
    """Figures of alarms (ISA-18.2): in ten minutes nobody can look at more than ten."""

    alarms: int
    per_hour: float
    most_in_10_min: int
    flooded_share: float = Field(description="Spans of ten minutes with more than ten alarms.")
    worst: list[dict[str, Any]] = Field(description="The ten that raise most.")


class ChannelIn(BaseModel):
    """Where events of a site are told."""

    model_config = ConfigDict(extra="forbid")

    place: Annotated[str, Field(max_length=400, description="Path of the site.")]
    kind: Literal["webhook", "email", "mqtt"]
    target: Annotated[str, Field(min_length=3, max_length=500)] = Field(
        description="Address of webhook or mailbox, or topic below `alarms/{enterprise}/{site}/`."
    )
    secret: Annotated[str, Field(max_length=200)] = Field(
        default="", description="Signs what a webhook is sent; never shown again."
    )
    least_severity: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    quiet_from: LocalTime | None = None
    quiet_to: LocalTime | None = None
    escalate_after_s: Annotated[float, Field(gt=0, le=7 * 86_400)] | None = None
    repeat_after_s: Annotated[float, Field(ge=0, le=86_400)] = 900.0


class ChannelChangeIn(BaseModel):
    """Tell a channel nothing any more."""

    model_config = ConfigDict(extra="forbid")

    place: Annotated[str, Field(max_length=400, description="Path of the site.")]
    channel: int


class ChannelOut(Wire):
    """A channel; its secret is not shown."""

    channel_id: int
    kind: str
    target: str
    least_severity: float
    quiet_from: time | None
    quiet_to: time | None
    escalate_after_s: float | None
    repeat_after_s: float


class MadeOut(Wire):
    """What was made."""

    id: int
