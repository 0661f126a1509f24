"""One run of the demo: its processes from the first start to the last stop."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from nhipmay.demo.broker import broker_child, find_mosquitto
from nhipmay.demo.children import Supervisor
from nhipmay.demo.database import database_child
from nhipmay.demo.folder import claim
from nhipmay.demo.people import invite_visitors
from nhipmay.demo.pilots import ZONE, compute_history, write_history
from nhipmay.demo.plan import Plan, choose_addresses, descriptions, programme_plants
from nhipmay.demo.ports import page_port
from nhipmay.demo.programme import seed_programme
from nhipmay.demo.readiness import Asking, has_figures
from plant.clock import system_clock
from plant.errors import TransientError
from plant.settings import ClockSettings, DatabaseSettings

_HEAD_START = timedelta(seconds=20)
_FIGURES_WITHIN_S = 600.0
_TEND_INTERVAL_S = 0.5


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What a person may choose about the demo."""

    data: Path
    port: int | None = None
    seed: int = 2026
    speed: float = 240.0
    """Plant seconds per wall second, until the plant has caught up with the present."""
    disorder: bool = True
    python_broker: bool = False
    """Use the Python broker even where mosquitto is installed."""
    database: dict[str, Any] | None = None
    """Settings block of a database that runs already, to use instead of the embedded one."""
    broker: dict[str, Any] | None = None
    """Settings block of a broker that runs already."""
    programme: bool = False
    """Add the department's programme: four enterprises with eight weeks of history, and drafts."""


class DemoSession:
    """The database, the broker, the platform, the plants and their edges."""

    def __init__(self, options: DemoOptions, clock: ClockSettings, console: Console) -> None:
        self._options = options
        self._console = console
        self.clock = clock
        self.addresses = choose_addresses(page_port(options.port))
        self.folder = claim(options.data)
        self.api = Asking(self.addresses.url, self.folder.new_secret("api-token"))
        self.supervisor = Supervisor(self.folder.run, self.folder.logs)

    def start(self) -> None:
        """Start everything in the order of the data walk and wait for the first OEE."""
        database = self._start_database()
        broker = self._start_broker()
        # The plants' time begins when everyone is there to watch.
        origin = system_clock() + _HEAD_START
        self.clock = self.clock.model_copy(update={"wall_origin": origin})
        plan = Plan(
            folder=self.folder,
            addresses=self.addresses,
            clock=self.clock,
            database=database,
            broker=broker,
            seed=self._options.seed,
            disorder=self._options.disorder,
            programme=self._options.programme,
        )
        with self._console.status("Starting the platform, the machines and their edges …"):
            self.supervisor.start(*plan.platform(), *plan.plants())
        with self._console.status("Waiting for the first OEE …"):
            for description in descriptions():
                for site in description.sites:
                    self._wait_for_figures(description.path(site.code))

    def tend_until(self, done: Callable[[], bool], within_s: float | None = None) -> bool:
        """Restart whatever dies until `done`; return False when that took longer than allowed."""
        deadline = None if within_s is None else time.monotonic() + within_s
        while not done():
            self.tend()
            if deadline is not None and time.monotonic() > deadline:
                return False
            time.sleep(_TEND_INTERVAL_S)
        return True

    def tend(self) -> None:
        """Restart whatever has died, and say so."""
        for name in self.supervisor.tend():
            self._console.print(f"[yellow]{name} had ended and was started again[/]")

    def stop(self) -> None:
        """Stop all processes and let go of the folder."""
        self.supervisor.stop()
        self.folder.lock.close()

    def _start_database(self) -> dict[str, Any]:
        from store import load_plant, migrate

        with self._console.status("Starting the database …"):
            block = self._options.database
            if block is None:
                child, block = database_child(self.folder, self.addresses.database)
                self.supervisor.start(child)
            settings = DatabaseSettings.model_validate(block)
            migrate(settings)
            for description in descriptions():
                load_plant(settings, description)
            plants = [*descriptions(), *programme_plants(programme=self._options.programme)]
        if self._options.programme:
            self._add_programme(settings)
        invite_visitors(settings, self.folder.new_secret("database-logins"), plants)
        return block

    def _add_programme(self, settings: DatabaseSettings) -> None:
        until = system_clock().astimezone(ZONE).date()
        with self._console.status("Writing eight weeks of four enterprises …") as status:
            write_history(settings, until, self._options.seed)
            passes = 0

            def passed() -> None:
                nonlocal passes
                passes += 1
                status.update(f"Computing their figures, pass {passes} …")

            compute_history(settings, until, passed)
            seed_programme(settings, until)

    def _start_broker(self) -> dict[str, Any]:
        if self._options.broker is not None:
            return self._options.broker
        python_broker = self._options.python_broker or find_mosquitto() is None
        if python_broker:
            self._console.print(
                "Without mosquitto a Python broker serves: good for the demo, not for production."
            )
        with self._console.status("Starting the broker …"):
            child, block = broker_child(
                self.folder, self.addresses.broker, force_python=python_broker
            )
            self.supervisor.start(child)
        return block

    def _wait_for_figures(self, site: str) -> None:
        if not self.tend_until(lambda: has_figures(self.api, site), within_s=_FIGURES_WITHIN_S):
            raise TransientError(
                f"no OEE of {site} after {_FIGURES_WITHIN_S:.0f} s; logs are in {self.folder.logs}"
            )
