"""The loggers of the services: structlog, without what it loads only because it is there.

rich paints tracebacks and greenlet is for a way of binding that is not used here; both stay out of
the memory of a small gateway (6 MB) by being away while structlog is imported.
"""

import sys

__all__ = ["get_logger", "structlog"]

_UNUSED = [name for name in ("rich", "greenlet") if name not in sys.modules]
for _name in _UNUSED:
    sys.modules[_name] = None  # type: ignore[assignment]  # None is how an import is refused
try:
    import structlog
finally:
    for _name in _UNUSED:
        del sys.modules[_name]

get_logger = structlog.get_logger
"""Makes a logger of structured lines."""
