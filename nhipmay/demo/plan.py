"""What the demo runs: two pilot plants, their edges, and one platform."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from nhipmay.demo.children import Child, service
from nhipmay.demo.folder import DemoFolder
from nhipmay.demo.people import visitors
from nhipmay.demo.pilots import COMPANIES, description
from nhipmay.demo.ports import free_ports, is_listening
from nhipmay.demo.readiness import answers
from plant.description import PlantDescription
from plant.settings import ClockSettings, load_settings, read_mapping

PILOTS = ("co-khi-mau", "thuc-pham-mau")


@dataclass(frozen=True, slots=True)
class Addresses:
    """The loopback ports of the demo's servers."""

    database: int
    broker: int
    page: int
    machines: dict[str, int]
    """By pilot: its OPC UA or Modbus server."""

    @property
    def url(self) -> str:
        """The address of the live page."""
        return f"http://127.0.0.1:{self.page}"


def choose_addresses(page: int) -> Addresses:
    """Return free ports for everything but the page, whose port is given."""
    ports = free_ports(["database", "broker", *PILOTS])
    machines = {pilot: ports[pilot] for pilot in PILOTS}
    return Addresses(ports["database"], ports["broker"], page, machines)


def pilot_folder(pilot: str) -> Path:
    """Return the folder of a pilot's description and edge settings."""
    return Path(str(files("simulators"))) / "pilots" / pilot


def descriptions() -> list[PlantDescription]:
    """Return the descriptions of the pilot plants."""
    return [load_settings(PlantDescription, pilot_folder(pilot) / "plant.yaml") for pilot in PILOTS]


def programme_plants(*, programme: bool) -> list[PlantDescription]:
    """Return the descriptions of the enterprises that a demo's programme has."""
    return [description(one) for one in COMPANIES] if programme else []


@dataclass(frozen=True, slots=True)
class Plan:
    """Settings that the services of one demo share."""

    folder: DemoFolder
    addresses: Addresses
    clock: ClockSettings
    database: dict[str, Any]
    broker: dict[str, Any]
    seed: int
    disorder: bool
    programme: bool = False

    def platform(self) -> Iterator[Child]:
        """Yield ingest, analytics and the API."""
        shared = {"clock": self._clock(), "database": self.database}
        yield self._service("ingest", "ingest", shared | {"broker": self.broker})
        yield self._service("analytics", "analytics", shared)
        accounts = {
            "logins_secret_file": str(self.folder.secrets / "database-logins"),
            "visitors": [visitor.login for visitor in visitors(self._all_plants())],
        }
        api = shared | {"host": "127.0.0.1", "port": self.addresses.page, "accounts": accounts}
        api["token_file"] = str(self.folder.secrets / "api-token")
        yield self._service("api", "api", api, f"{self.addresses.url}/health/ready")

    def _all_plants(self) -> list[PlantDescription]:
        return [*descriptions(), *programme_plants(programme=self.programme)]

    def plants(self) -> Iterator[Child]:
        """Yield each pilot's machines and then its edge."""
        for pilot, port in self.addresses.machines.items():
            simulator: dict[str, Any] = {
                "clock": self._clock(),
                "pilot": pilot,
                "seed": self.seed,
                "port": port,
                "truth_folder": str(self.folder.truth),
            }
            if not self.disorder:
                simulator["disorder"] = {"enabled": False}
            child = self._service(f"machines-{pilot}", "simulate", simulator)
            yield replace(child, ready=partial(is_listening, port))
            yield self._service(f"edge-{pilot}", "edge", self._edge(pilot, port))

    def _edge(self, pilot: str, port: int) -> dict[str, Any]:
        edge = read_mapping(pilot_folder(pilot) / "edge.yaml")
        for source in edge["sources"].values():
            if source["driver"] == "opcua":
                source["endpoint"] = f"opc.tcp://127.0.0.1:{port}/"
                # Machines may begin before their edge is there; they remember for it.
                source["first_backfill_h"] = 24
            else:
                source["port"] = port
        outbox = edge.get("outbox", {}) | {"file": str(self.folder.folder("edge") / f"{pilot}.db")}
        return edge | {"clock": self._clock(), "broker": self.broker, "outbox": outbox}

    def _clock(self) -> dict[str, Any]:
        return self.clock.model_dump(mode="json")

    def _service(
        self, name: str, command: str, settings: dict[str, Any], url: str | None = None
    ) -> Child:
        file = self.folder.write_settings(name, settings)
        return service(name, command, file, lambda: url is None or answers(url))
