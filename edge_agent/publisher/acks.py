"""What the platform says of an edge's rows, and what follows from it for the outbox."""

from edge_agent.broker.link import Received
from edge_agent.outbox import Outbox
from edge_agent.publisher.low_acks import LowAcks
from edge_agent.publisher.refusals import Refusals
from edge_agent.publisher.sizing import Sizing
from edge_agent.selfstat import Counters
from plant.errors import DataError, TransientError
from plant.log import get_logger
from plant.native.message import Ack, decode_ack

BIRTH_AT_MOST_EVERY_S = 5.0

_log = get_logger()


class EpochChangedError(TransientError):
    """The outbox began a new life; the edge announces itself anew."""


class PlatformSetBackError(TransientError):
    """The platform has lost what it had confirmed; the edge announces itself anew and resends."""


class Acks:
    """Takes the platform's answers, on one connection after the other."""

    def __init__(
        self, outbox: Outbox, counters: Counters, sizing: Sizing, refusals: Refusals
    ) -> None:
        self._outbox = outbox
        self._counters = counters
        self._sizing = sizing
        self._refusals = refusals
        self._low = LowAcks()
        self._birth_said_s: float | None = None
        self._birth_wanted = False
        self.contacted = False
        """Whether the platform has answered in this life of the agent."""
        self.certain = False
        """Whether the platform has said, in this life, which ids it has. An outbox set back to an
        old copy gives out ids that the platform knows as other rows, and takes for repeats."""

    def take(self, message: Received, now_s: float) -> Ack | None:
        """Return an answer about the present epoch once the outbox knows of it; None for others.

        Raises EpochChangedError or PlatformSetBackError when everything begins anew.
        """
        try:
            ack = decode_ack(message.payload)
        except DataError as exc:
            _log.warning("ack_unreadable", reason=str(exc))
            return None
        self.contacted = True
        self._sizing.agree(ack.limits)
        if not message.retained:
            self._refusals.note(ack.refused or (), now_s)
            self._birth_wanted = self._birth_wanted or ack.birth_wanted
        # First of all: confirmed by such an ack, rows of this copy would be deleted that the
        # platform never had; it knows other rows under their ids.
        if self._outbox.restored_from_old_image(ack.epoch, ack.committed_to):
            _log.error("outbox_is_an_old_copy", committed_to=ack.committed_to)
            self._outbox.renew_epoch()
            raise EpochChangedError
        state = self._outbox.state()
        if ack.epoch != state.epoch:
            return None
        if message.retained and state.set_backs:
            # A broker set back likewise may have kept one from before: it would confirm too much.
            return None
        if not message.retained:
            self.certain = True
            self._watch(ack, now_s)
        if ack.rejected is not None:
            self._counters.rejected = ack.rejected
        self._counters.acknowledged += self._outbox.acknowledge(ack.epoch, ack.committed_to)
        return ack

    def _watch(self, ack: Ack, now_s: float) -> None:
        if not self._outbox.platform_is_behind(ack.epoch, ack.committed_to):
            self._low.refuted()
            return
        if not self._low.low(now_s):
            return
        cost = self._outbox.take_set_back(ack.committed_to)
        self._low.refuted()
        _log.error(
            "platform_set_back",
            committed_to=ack.committed_to,
            sent_again=cost.again,
            lost=cost.lost,
            mend="the platform was restored from a backup or lost its last commits: what this "
            "edge still has is sent again, the rest is reported as a gap",
        )
        raise PlatformSetBackError

    @property
    def conclusive(self) -> bool:
        """Whether the platform's last answer in this life was what it says of our rows for good."""
        return self.certain and not self._low.doubtful

    def ask_due(self, now_s: float) -> bool:
        """Return whether the platform is to be asked, by a heartbeat, for one more answer."""
        return self._low.ask_due(now_s)

    def birth_due(self, now_s: float) -> bool:
        """Return whether the platform misses the birth, and it was not said just now."""
        said = self._birth_said_s
        return self._birth_wanted and (said is None or now_s - said >= BIRTH_AT_MOST_EVERY_S)

    def birth_said(self, now_s: float) -> None:
        """Take note that the birth was said."""
        self._birth_said_s = now_s
        self._birth_wanted = False
        self._low.refuted()
