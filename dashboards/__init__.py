"""Grafana dashboards as code: Python in, committed classic dashboard JSON out.

`python -m dashboards` writes `dashboards/grafana/dashboards/*.json` again; Grafana's file provider
reads that folder. `push` and `push_tenants`
send the same to a running Grafana.
"""

from dashboards.publication import (
    DEPARTMENT_BOARDS,
    FOLDER,
    TENANT_BOARDS,
    Tenant,
    files,
    push,
    push_tenants,
    write,
)

__all__ = [
    "DEPARTMENT_BOARDS",
    "FOLDER",
    "TENANT_BOARDS",
    "Tenant",
    "files",
    "push",
    "push_tenants",
    "write",
]
