"""Grafana dashboards as code: Python in, committed classic dashboard JSON out.

`python -m dashboards` writes `dashboards/grafana/dashboards/*.json` again; Grafana's file provider
reads that folder. `push` sends the same dashboards to a running Grafana.
"""

from dashboards.publication import FOLDER, files, push, write

__all__ = ["FOLDER", "files", "push", "write"]
