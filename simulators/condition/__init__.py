"""Machines whose condition is known: normal days with products, wear and disorder, and faults."""

from simulators.condition.floor import write_recordings
from simulators.condition.machine import Recording

__all__ = ["Recording", "write_recordings"]
