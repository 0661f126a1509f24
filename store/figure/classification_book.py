"""Keeping classifications for a service that outlives the database's outages."""

from plant.settings import DatabaseSettings
from store.engine.connection import connect, store_errors
from store.figure.classification import (
    Classification,
    ClassificationReceipt,
    Division,
    classify_stop,
    divide_stops,
)
from store.figure.counter_judgement import VerdictSaid, keep_verdict


class ClassificationBook:
    """The table of classifications; taps are rare, so each gets a connection of its own."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings

    def classify(self, said: Classification) -> ClassificationReceipt:
        """Keep a classification.

        Raises what `classify_stop` raises; StoreUnavailableError when the database is away and
        ConfigurationError when the login may not write.
        """
        with store_errors(self._settings), connect(self._settings) as connection:
            # A login that is set to read only may still be allowed to write these tables.
            connection.read_only = False
            return classify_stop(connection, said)

    def divide(self, said: Division) -> bool:
        """Keep where a stop is divided or joined; raise what `divide_stops` raises."""
        with store_errors(self._settings), connect(self._settings) as connection:
            connection.read_only = False
            return divide_stops(connection, said)

    def judge(self, said: VerdictSaid) -> bool:
        """Keep what a person says of a reading of a counter; raise what `keep_verdict` raises."""
        with store_errors(self._settings), connect(self._settings) as connection:
            connection.read_only = False
            return keep_verdict(connection, said)
