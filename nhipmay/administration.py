"""Commands that run once: bringing the database up to date, replaying a recorded file."""

import tempfile
from pathlib import Path

from pydantic import SecretStr

from nhipmay.runtime import configure_logging, stop_on_signals
from plant.description import PlantDescription
from plant.errors import ConfigurationError
from plant.settings import DatabaseSettings, ServiceSettings, load_settings, secret_text
from store import load_plant
from store import migrate as migrate_database
from store.access.tenant import make_tenants


class MigrateSettings(ServiceSettings):
    """Settings of `nhipmay migrate`."""

    database: DatabaseSettings = DatabaseSettings()
    logins_secret: SecretStr | None = None
    """Secret from which the passwords of the enterprises' logins follow; makes these logins."""
    logins_secret_file: Path | None = None
    """File that holds it, instead."""


def migrate(settings: MigrateSettings, plants: list[Path]) -> list[str]:
    """Apply pending migrations, load plant descriptions, and return what was done in words."""
    descriptions = [(file, load_settings(PlantDescription, file)) for file in plants]
    applied = migrate_database(settings.database)
    done = [f"applied {name}" for name in applied] or ["the schema is up to date"]
    for file, description in descriptions:
        load_plant(settings.database, description)
        done.append(f"loaded {description.enterprise.name_vi} from {file}")
    if settings.logins_secret is not None or settings.logins_secret_file is not None:
        secret = secret_text(settings.logins_secret, settings.logins_secret_file, "logins_secret")
        made = make_tenants(settings.database, secret)
        done += [f"made a login for {enterprise}" for enterprise in made]
    return done


def replay(
    file: Path, map_file: Path, outbox: Path | None, platform: MigrateSettings | None
) -> str:
    """Play a recorded CSV through a real edge agent until all of it is committed.

    With `platform`, the plant description of the map is loaded into its database first.
    """
    from edge_agent import run
    from edge_agent.replay import ReplayMap, replay_settings

    replay_map = load_settings(ReplayMap, map_file)
    if not file.is_file():
        raise ConfigurationError(f"there is no file {file}")
    if platform is not None and replay_map.plant is not None:
        load_plant(platform.database, replay_map.plant)
    with tempfile.TemporaryDirectory(prefix="nhipmay-replay-") as folder:
        settings = replay_settings(replay_map, file, outbox or Path(folder) / "outbox.db")
        configure_logging(settings.log)
        counters = run(settings, stop_on_signals())
    return f"{file.name}: {counters.acknowledged} measurements are committed"
