"""The Sparkplug B 3.0 host application: third-party edge nodes become edges, metrics tags."""

from ingest.sparkplug.settings import SparkplugSettings

__all__ = ["SparkplugSettings"]
