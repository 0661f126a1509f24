"""From readings to rows of the outbox: units in, repeats out, the old ones recalled."""

from edge_agent.intake.intake import Intake, SourceInlet

__all__ = ["Intake", "SourceInlet"]
