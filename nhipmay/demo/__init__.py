"""The demonstration: a whole platform with two simulated pilot plants on one machine."""

from nhipmay.demo.run import run_check, run_demo
from nhipmay.demo.session import DemoOptions

__all__ = ["DemoOptions", "run_check", "run_demo"]
