"""Settings of a simulated plant."""

from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, Field

from plant.settings import Port, ServiceSettings, StrictModel

Probability = Annotated[float, Field(ge=0, le=1)]


class DisorderSettings(StrictModel):
    """How the machines and their controls lie; 0 or false switches a kind off.

    Probabilities are per reading (OPC UA) or per scan (Modbus). What truly happened is recorded
    before any of this and does not change with it, `counter_reset` and `counter_wrap` apart.
    """

    enabled: bool = True
    """False: no disorder of any kind."""
    missing: Probability = 0.002
    """A reading is never given out."""
    late: Probability = 0.004
    """A reading appears only after `late_max_s` at most, with its old source time (OPC UA)."""
    late_max_s: Annotated[int, Field(ge=1, le=600)] = 20
    """Longest delay of a late reading, in plant seconds."""
    duplicated: Probability = 0.004
    """A reading is given out a second time after the next one of its tag (OPC UA)."""
    out_of_order: Probability = 0.004
    """A reading appears after the next one of its tag; a Modbus scan after the next scan."""
    bad_quality: Probability = 0.001
    """A reading says Bad and has no value (OPC UA); a read is answered by an exception (Modbus)."""
    context_share: Probability = 0.25
    """`missing` and `bad_quality` strike states, orders and counters this much less often."""
    counter_reset: bool = True
    """One machine's good-part counter starts at zero again after a power cycle now and then."""
    counter_wrap: bool = True
    """One 16-bit counter begins close to 65535, so that it passes zero soon."""
    clock_skew_s: Annotated[float, Field(ge=-60, le=60)] = 1.2
    """How far ahead one machine's clock is."""

    def effective(self) -> "DisorderSettings":
        """Return the settings to work with: all zero when switched off."""
        return self if self.enabled else ORDERLY


ORDERLY = DisorderSettings(
    enabled=False,
    missing=0,
    late=0,
    duplicated=0,
    out_of_order=0,
    bad_quality=0,
    counter_reset=False,
    counter_wrap=False,
    clock_skew_s=0,
)


class SimulatorSettings(ServiceSettings):
    """One simulated plant: one process that serves OPC UA or Modbus TCP."""

    pilot: str = "co-khi-mau"
    """Name of a pilot that comes with the program, or a folder with its three files."""
    seed: Annotated[int, Field(ge=0)] = 1
    """The same seed and origin give the same plant, second by second."""
    host: str = "127.0.0.1"
    """Address to serve on; 0.0.0.0 serves every network of the machine."""
    port: Port = 4840
    """TCP port of the OPC UA or Modbus server."""
    truth_folder: Path
    """Where the record of what truly happened is kept, one SQLite file per enterprise."""
    origin: AwareDatetime | None = None
    """First instant of the plant; by default the clock's plant origin, else that of the record,
    else the present hour."""
    disorder: DisorderSettings = DisorderSettings()
