"""Strict settings blocks shared by the services, and the one way to load them.

A settings file is YAML or TOML; environment variables `NHIPMAY_<BLOCK>__<KEY>` outrank it. A
misspelt key, a wrong type or a missing value stops the start with one line each. Secrets come
from the environment or from secret files and have no default.
"""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args, get_origin

import yaml
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from plant.clock import Clock, PlantClock, system_clock
from plant.errors import ConfigurationError
from plant.place import checked_code


def _code(value: str) -> str:
    try:
        return checked_code(value)
    except ConfigurationError as exc:
        raise ValueError(str(exc)) from exc


Code = Annotated[str, AfterValidator(_code)]
"""The code of a place or of an edge."""
Port = Annotated[int, Field(ge=1, le=65535)]
S = TypeVar("S", bound=BaseModel)

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C, where there is one, needs less memory for a long list of tags."""


class StrictModel(BaseModel):
    """A block of settings: unknown keys are errors, values cannot change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @classmethod
    def chosen_by(cls, given: object) -> "type[StrictModel]":
        """Return the model that reads a block as it was given: this one, if there is no choice."""
        return cls


class Secret(StrictModel):
    """Mix-in of blocks that hold a password: given itself (environment) or as a file's path."""

    password: SecretStr | None = None
    password_file: Path | None = None

    def secret(self) -> str | None:
        """Return the password, read from its file when that is how it is given."""
        if self.password is not None:
            return self.password.get_secret_value()
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except OSError as exc:
            raise ConfigurationError(
                f"the password file {self.password_file} cannot be read: {exc.strerror}"
            ) from exc


def secret_text(value: SecretStr | None, file: Path | None, name: str) -> str:
    """Return a secret given by itself or by a file; raise ConfigurationError where it is not."""
    text = Secret(password=value, password_file=file).secret()
    if not text:
        raise ConfigurationError(f"{name} is not given: set it, or {name}_file")
    return text


class TlsSettings(StrictModel):
    """Certificates of an MQTT connection; all three are PEM files."""

    ca_file: Path
    """The authority that signed the broker's certificate."""
    certificate_file: Path | None = None
    """The certificate with which this service shows who it is."""
    key_file: Path | None = None
    """Its key; left out, it is in the certificate's file."""


class Hosts(StrictModel):
    """Mix-in of blocks that name a server, or several of which one serves."""

    host: str = "127.0.0.1"
    """Several are separated by commas; one may have its own port, `name:port`."""
    port: int

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Return the hosts and their ports, in order."""
        found = []
        for one in self.host.split(","):
            name, colon, port = one.strip().rpartition(":")
            # An address of IPv6 has colons of its own.
            if colon and port.isdigit() and ":" not in name:
                found.append((name, int(port)))
            else:
                found.append((one.strip(), self.port))
        return found


class DatabaseTlsSettings(StrictModel):
    """An encrypted connection to the database, whose certificate and name are checked."""

    ca_file: Path
    """The authority that signed the database's certificate."""


class BrokerSettings(Hosts, Secret):
    """The MQTT broker; of several, the first that answers."""

    port: Port = 1883
    username: str | None = None
    tls: TlsSettings | None = None
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    """`auto` speaks MQTT 5 and falls back to 3.1.1 when the broker refuses it."""
    keepalive_s: Annotated[int, Field(ge=5, le=3600)] = 30
    session_expiry_s: Annotated[int, Field(ge=0)] = 3 * 86_400
    """How long the broker keeps what arrives while this service is away."""

    def shown_by(self, certificate_file: Path | None) -> Self:
        """Return the same broker for a session with a certificate of its own, if there is one."""
        if certificate_file is None or self.tls is None:
            return self
        own = {"certificate_file": certificate_file, "key_file": None}
        return self.model_copy(update={"tls": self.tls.model_copy(update=own)})


class DatabaseSettings(Hosts, Secret):
    """The PostgreSQL or TimescaleDB database; of several, the first that may be written to."""

    port: Port = 5432
    name: str = "nhipmay"
    user: str = "nhipmay"
    pool_size: Annotated[int, Field(ge=1, le=100)] = 4
    tls: DatabaseTlsSettings | None = None


class ClockSettings(StrictModel):
    """A simulated present, for demonstrations; without this block the clock is the machine's."""

    wall_origin: AwareDatetime
    plant_origin: AwareDatetime
    speed: Annotated[float, Field(gt=0)] = 1.0
    catch_up: bool = False
    until: AwareDatetime | None = None

    def plant_clock(self) -> PlantClock:
        """Return the clock that these settings describe."""
        return PlantClock(
            self.wall_origin, self.plant_origin, self.speed, self.catch_up, self.until
        )


class LogSettings(StrictModel):
    """What the service writes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


class ServiceSettings(BaseSettings):
    """Base of every service's settings."""

    model_config = SettingsConfigDict(
        env_prefix="NHIPMAY_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    log: LogSettings = LogSettings()
    clock: ClockSettings | None = None

    def make_clock(self) -> Clock:
        """Return the configured clock, the machine's by default."""
        return self.clock.plant_clock() if self.clock else system_clock

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment outrank the file, whose content is the init argument."""
        return env_settings, init_settings


def load_settings(cls: type[S], file: Path | None = None) -> S:
    """Return validated settings from a YAML or TOML file and the environment.

    Raises ConfigurationError naming every wrong key at once, with the nearest right spelling.
    """
    data = read_mapping(file) if file else {}
    try:
        return cls(**data)
    except ValidationError as exc:
        where = str(file) if file else "the environment"
        lines = _lines_of(file) if file else {}
        raise ConfigurationError(f"{where}:\n{explain(exc, cls, data, lines)}") from exc


def read_mapping(file: Path) -> dict[str, Any]:
    """Return the content of a YAML or TOML file; raise ConfigurationError when it has none."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(f"{file} cannot be read: {reason}") from exc
    try:
        data = tomllib.loads(text) if file.suffix == ".toml" else yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, AttributeError) as exc:
        # A date that does not exist is no YAMLError, and a text that is no date of its own type
        # (`!!timestamp`) ends PyYAML itself; TOML's errors are ValueErrors.
        raise ConfigurationError(f"{file} is not valid: {exc}") from exc
    if not isinstance(data, dict):
        raise ConfigurationError(f"{file} must hold named settings (key: value)")
    return data


def explain(
    error: ValidationError,
    cls: type[BaseModel],
    data: Mapping[str, Any] | None = None,
    lines: Mapping[tuple[int | str, ...], int] | None = None,
) -> str:
    """Return one indented line per problem of a validation error, in plain words.

    With the settings as they were given, an element of a list is called by its `name` too; with
    the lines of their file, by its line.
    """
    told = []
    for problem in error.errors():
        location = _given(problem["loc"], data or {})
        path = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            message = f"unknown setting{_suggestion(cls, problem['loc'], data or {})}"
        elif problem["type"] == "missing":
            message = "required, but missing"
        else:
            message = problem["msg"]
        where = [*_names(location, data or {}), *_line(location, lines or {})]
        beside = f" ({', '.join(where)})" if where else ""
        told.append(f"  {path}: {message}{beside}")
    return "\n".join(told)


def _given(location: tuple[int | str, ...], data: Any) -> tuple[int | str, ...]:
    """Return where a problem lies in what was given: without the members of unions."""
    found: list[int | str] = []
    for part in location:
        is_there = (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        )
        if is_there:
            data = data[part]
            found.append(part)
    return tuple(found)


def _within(data: Any, part: int | str) -> Any:
    """Return a part of what was given; of a union's member, which is no part of it, the whole."""
    if isinstance(data, dict) and part in data:
        return data[part]
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return data[part]
    return data


def _names(location: tuple[int | str, ...], data: Any) -> list[str]:
    """Return the name of the element of a list in which a problem lies, if it has one."""
    name = None
    for part in location:
        data = data[part]
        if isinstance(part, int) and isinstance(data, dict):
            name = data.get("name")
    return [name] if isinstance(name, str) else []


def _line(location: tuple[int | str, ...], lines: Mapping[tuple[int | str, ...], int]) -> list[str]:
    # What is missing of the whole has no line.
    line = lines.get(location) if location else None
    return [] if line is None else [f"line {line}"]


def _lines_of(file: Path) -> dict[tuple[int | str, ...], int]:
    """Return the line of each setting of a YAML file; nothing for other files."""
    if file.suffix == ".toml":
        return {}
    found: dict[tuple[int | str, ...], int] = {}
    root = yaml.compose(file.read_text(encoding="utf-8"), _Loader)
    waiting: list[tuple[tuple[int | str, ...], yaml.Node]] = [((), root)] if root else []
    while waiting:
        place, node = waiting.pop()
        found.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            waiting.extend(((*place, str(key.value)), value) for key, value in node.value)
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(((*place, number), value) for number, value in enumerate(node.value))
    return found


def _suggestion(cls: type[BaseModel], location: tuple[int | str, ...], data: Any) -> str:
    known = _known_keys(cls, location[:-1], data)
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; known here: {', '.join(sorted(known))}" if known else ""


def _known_keys(cls: type[BaseModel], location: tuple[int | str, ...], data: Any) -> list[str]:
    """Return the settings that exist at a location; of a union, those of the member chosen."""
    models: list[type[BaseModel]] = [cls]
    for part in location:
        data = _within(data, part)
        fields = [model.model_fields[str(part)] for model in models if part in model.model_fields]
        chosen = [model for model in models if _is_chosen_by(model, part)]
        if fields:
            models = [within for field in fields for within in _models_within(field)]
        elif chosen:
            models = chosen
        models = [
            model.chosen_by(data) if issubclass(model, StrictModel) else model for model in models
        ]
    return sorted({name for model in models for name in model.model_fields})


def _is_chosen_by(model: type[BaseModel], tag: int | str) -> bool:
    """Return whether a union's discriminator of this value means the model."""
    return any(
        get_origin(field.annotation) is Literal and get_args(field.annotation) == (tag,)
        for field in model.model_fields.values()
    )


def _models_within(field: FieldInfo) -> list[type[BaseModel]]:
    found: list[type[BaseModel]] = []
    candidates: list[object] = [field.annotation]
    while candidates:
        candidate = candidates.pop()
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            found.append(candidate)
        candidates.extend(getattr(candidate, "__args__", ()))
    return found
