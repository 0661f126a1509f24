"""Figures to people and programs: HTTP API and live pages. It only reads."""

from api.app import create_app
from api.service import run
from api.settings import ApiSettings

__all__ = ["ApiSettings", "create_app", "run"]
