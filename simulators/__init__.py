"""A plant floor that can lie: machines, faults, real OPC UA and Modbus servers, ground truth."""

from simulators.service import run
from simulators.settings import DisorderSettings, SimulatorSettings

__all__ = ["DisorderSettings", "SimulatorSettings", "run"]
