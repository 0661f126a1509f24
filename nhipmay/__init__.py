"""The command line and the demo: wires the services together and holds no logic of its own."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("nhipmay")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"
