"""Libraries of protocols are imported only when a source speaks theirs: gateways are small."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
SOURCES = {
    "opcua": {"endpoint": "opc.tcp://plc:4840/", "tags": [{"address": "i=1"}]},
    "modbus": {"host": "plc", "tags": [{"address": "hr:1"}]},
    "mtconnect": {"url": "http://agent:5000", "tags": [{"data_item": "x"}]},
    "mqtt": {"client_id": "x", "tags": [{"topic": "t"}]},
    "s7": {"host": "plc", "tags": [{"address": "DB1.DBW0"}]},
    "slmp": {"host": "plc", "tags": [{"address": "D0"}]},
    "csv": {"file": "x.csv", "time_column": "t", "tags": [{"column": "c"}]},
}
LIBRARIES = {
    "opcua": {"asyncua"},
    "modbus": {"pymodbus"},
    "mtconnect": {"defusedxml", "h11"},
    "s7": {"snap7"},
}
PROGRAM = """
import sys
from pathlib import Path
from edge_agent import EdgeSettings
import edge_agent.agent
from edge_agent.drivers import make_driver
from plant.clock import system_clock
sources, wanted = eval(sys.argv[1]), sys.argv[2]
for name, source in sources.items():
    source["driver"] = name
    for tag in source["tags"]:
        tag |= {"name": f"m/{name}", "work_unit": "a/b/c"}
settings = EdgeSettings.model_validate({
    "edge": {"enterprise": "e", "site": "s", "code": "c"},
    "outbox": {"file": "o.sqlite"},
    "sources": {wanted: sources[wanted]},
})
make_driver(wanted, settings.sources[wanted], system_clock, Path("nowhere"))
print(*sys.modules)
"""


@pytest.mark.parametrize("driver", SOURCES)
def test_only_its_own_libraries_are_there_when_a_driver_is_made(driver: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, repr(SOURCES), driver],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    modules = set(done.stdout.split())
    imported = {module.partition(".")[0] for module in modules}
    assert imported & set().union(*LIBRARIES.values()) == LIBRARIES.get(driver, set())
    drivers = {name for name in SOURCES if f"edge_agent.drivers.{name}.settings" in modules}
    assert drivers == {driver}
    # Only for a description of the plant, a command, or tests.
    assert not modules & {"plant.description", "plant.kpi", "edge_agent.replay", "nhipmay.cli"}
    assert "edge_agent.outbox.memory" not in modules
