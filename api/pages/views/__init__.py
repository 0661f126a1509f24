"""What each live page shows: questions to the database, answers as cards and charts."""

from api.pages.views.fleet import fleet_view
from api.pages.views.line import line_view
from api.pages.views.machine import machine_view
from api.pages.views.overview import overview_view
from api.pages.views.view import Moment, View

__all__ = ["Moment", "View", "fleet_view", "line_view", "machine_view", "overview_view"]
