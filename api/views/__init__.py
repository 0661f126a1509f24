"""What each live page shows: questions to the database, answers as cards and charts."""

from api.views.fleet import fleet_view
from api.views.line import line_view
from api.views.machine import machine_view
from api.views.overview import overview_view
from api.views.view import Moment, View

__all__ = ["Moment", "View", "fleet_view", "line_view", "machine_view", "overview_view"]
