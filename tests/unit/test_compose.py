"""The compose stack hangs together: images, health, secrets, networks, settings.

Docker is not needed: the files are read as they are. What `docker compose config` would say of
interpolation is kept simple by using none.
"""

import hashlib
import importlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from api import ApiSettings
from nhipmay.authority import ADMINISTRATOR, CLIENTS
from plant.description import PlantDescription
from plant.identity import Authority, Identity
from plant.native.message import EdgeAddress
from plant.settings import ServiceSettings, load_settings

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
STACK: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
SETTINGS_FILE = "/etc/nhipmay/settings.yaml"
ONE_SHOT = {"migrate", "administration"}
OURS = {name for name, service in SERVICES.items() if "build" in service}

SETTINGS_CLASSES = {
    "ingest": ("ingest", "IngestSettings"),
    "analytics": ("analytics", "AnalyticsSettings"),
    "api": ("api", "ApiSettings"),
    "edge": ("edge_agent", "EdgeSettings"),
    "machines": ("simulators", "SimulatorSettings"),
    "migrate": ("nhipmay.administration", "MigrateSettings"),
    "administration": ("nhipmay.authority", "AdministrationSettings"),
    "seal": ("nhipmay.administration", "MigrateSettings"),
    "retirement": ("nhipmay.authority", "AdministrationSettings"),
}

each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def mounts(service: dict[str, Any]) -> dict[str, str]:
    """Return the source of each mount by its target."""
    parts = [volume.split(":") for volume in service.get("volumes", [])]
    return {target: source for source, target, *_ in parts}


def needed_secrets(text: str) -> set[str]:
    return set(re.findall(r"/run/secrets/([\w.-]+)", text))


def settings_of(name: str, monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    """Return the settings that a service would start with: its file and its environment."""
    service = SERVICES[name]
    for key, value in service.get("environment", {}).items():
        monkeypatch.setenv(key, value)
    module, cls = SETTINGS_CLASSES[name.split("-", maxsplit=1)[0]]
    settings: ServiceSettings = load_settings(
        getattr(importlib.import_module(module), cls), ROOT / mounts(service)[SETTINGS_FILE]
    )
    return settings


@each_service
def test_image_is_pinned(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].rpartition(":")

    assert image
    assert re.match(r"\d+\.\d+\.\d+", tag), tag


@each_service
def test_service_has_a_health_check_or_ends_by_itself(name: str) -> None:
    service = SERVICES[name]

    if name in ONE_SHOT:
        assert service["restart"] == "no"
        assert "healthcheck" not in service
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


@each_service
def test_service_is_not_root_and_gains_nothing(name: str) -> None:
    service = SERVICES[name]

    # Our own images say so themselves; see the test of the Dockerfile.
    assert name in OURS or int(service["user"].split(":")[0]) > 0
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["cpus"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_services_cannot_change_their_image(name: str) -> None:
    assert SERVICES[name]["read_only"] is True


@each_service
def test_dependency_waits_for_what_its_service_can_tell(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        if how["condition"] == "service_completed_successfully":
            assert other in ONE_SHOT


@each_service
def test_everything_mounted_exists(name: str) -> None:
    for target, source in mounts(SERVICES[name]).items():
        if source.startswith("./"):
            assert (ROOT / source).exists(), f"{source} on {target}"
        else:
            assert source in STACK["volumes"]


def test_no_password_is_written_down() -> None:
    texts = [TEXT, *(file.read_text("utf-8") for file in (ROOT / "docker/settings").iterdir())]

    for text in texts:
        for line in text.splitlines():
            match = re.search(r"(?i)password(?!_file|__file)\w*\s*[:=]\s*(\S+)", line)
            assert match is None, line
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"(?i)password|token|secret", key):
                assert re.fullmatch(r"/run/secrets/[\w.-]+", value), f"{name}: {key}"


def test_nothing_is_interpolated_from_the_host() -> None:
    assert re.findall(r"(?<!\$)\$(?!\$)\{?\w+", TEXT.replace("$$", "")) == []


@each_service
def test_service_gets_the_secrets_it_reads_and_no_others(name: str) -> None:
    service = SERVICES[name]
    read = yaml.safe_dump(service)
    for target, source in mounts(service).items():
        file = ROOT / source
        if target == SETTINGS_FILE:
            read += file.read_text("utf-8")
    given = set(service.get("secrets", []))

    if name == "broker":
        for part in ("mosquitto.conf", "start.sh"):
            read += (ROOT / "docker/broker" / part).read_text("utf-8")
        assert given == needed_secrets(read)
    elif name == "administration":
        # Its script registers every token-<edge>.
        tokens = {secret for secret in STACK["secrets"] if secret.startswith("token-")}
        assert given == needed_secrets(read) | tokens
    elif name == "database":
        script = (ROOT / "docker/database/10-roles.sh").read_text("utf-8")
        named = set(re.findall(r'\$secrets/([\w.-]+)"', script))
        assert given == named | needed_secrets(read) | {"tls-database"}
    else:
        assert given == needed_secrets(read)


@pytest.fixture(scope="module")
def made_secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make-secrets.sh` makes; the image's command is replaced by that of this checkout."""
    folder = tmp_path_factory.mktemp("made") / "secrets"
    assert make_secrets(folder).returncode == 0
    return folder


def make_secrets(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = ["sh", str(ROOT / "docker/make-secrets.sh"), str(folder)]
    environment = os.environ | {"NHIPMAY": f"{sys.executable} -m nhipmay"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment)


def test_script_makes_every_secret(made_secrets: Path) -> None:
    made = {file.name: file.read_text() for file in made_secrets.iterdir()}
    passwords = {
        name: text
        for name, text in made.items()
        if name.startswith(("database-", "grafana-", "token-"))
    }

    # What signs for the services is for the administrator's hands only.
    assert set(made) - set(STACK["secrets"]) == {
        *("authority-services", "authority-administration"),
        # No Sparkplug host runs in the stack.
        "tls-ingest-sparkplug",
    }
    assert set(STACK["secrets"]) <= set(made)
    assert {secret["file"] for secret in STACK["secrets"].values()} == {
        f"./secrets/{name}" for name in STACK["secrets"]
    }
    assert all(re.fullmatch(r"[0-9a-f]{48}", password) for password in passwords.values())
    assert len(set(passwords.values())) == len(passwords)
    assert made_secrets.stat().st_mode & 0o777 == 0o700
    # A second run must not lock anybody out.
    assert make_secrets(made_secrets).stdout == ""
    assert {file.name: file.read_text() for file in made_secrets.iterdir()} == made


def test_public_files_hold_no_key(made_secrets: Path) -> None:
    for name in ("authority-services.pem", "authority-edges.pem", "edges-revoked.pem"):
        assert "PRIVATE" not in (made_secrets / name).read_text("ascii")


@pytest.mark.parametrize("name", ["broker", "api", "database"])
def test_certificate_of_a_server_is_for_its_name_in_the_stack(
    name: str, made_secrets: Path
) -> None:
    authority = Authority.from_pem((made_secrets / "authority-services").read_bytes())
    identity = Identity.from_pem((made_secrets / f"tls-{name}").read_bytes())
    names = identity.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)

    assert name in SERVICES
    assert authority.issued(identity.certificate)
    assert set(names.value.get_values_for_type(x509.DNSName)) == {name, "localhost"}


def test_nothing_travels_between_services_unencrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in sorted(OURS):
        with monkeypatch.context() as patched:
            settings = settings_of(name, patched)
        for block in ("database", "broker", "writer"):
            if hasattr(settings, block):
                tls = getattr(settings, block).tls
                assert str(tls.ca_file) == "/run/secrets/authority-services.pem", (name, block)
        if name == "api":
            assert isinstance(settings, ApiSettings)
            assert settings.tls is not None
    assert SERVICES["grafana"]["environment"]["GF_NM_API"].startswith("https://")


def test_the_authority_of_edges_is_given_to_whom_it_must_be() -> None:
    holders = {
        name
        for name, service in SERVICES.items()
        if "authority-edges" in service.get("secrets", [])
    }

    assert holders == {"api", "administration", "retirement"}
    assert "authority-services" not in STACK["secrets"]


def test_git_ignores_the_secrets() -> None:
    assert "secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_plant_floors_reach_neither_the_database_nor_one_another() -> None:
    networks = {name: set(service["networks"]) for name, service in SERVICES.items()}
    floors = {network for network in STACK["networks"] if network.startswith("floor-")}

    for name, joined in networks.items():
        if joined & floors:
            assert len(joined & floors) == 1, name
            assert joined - floors <= {"broker", "enrolment"}, name
        if name.startswith("machines-"):
            assert joined <= floors, name
    assert {name for name, joined in networks.items() if {"broker", "data"} <= joined} == {
        "ingest",
        "administration",
        "retirement",
    }
    inner = floors | {"broker", "data", "enrolment"}
    assert all(STACK["networks"][name]["internal"] for name in inner)
    assert {name for name, joined in networks.items() if "enrolment" in joined} == {
        "api",
        *(name for name in networks if name.startswith("edge-")),
    }


def test_only_the_loopback_address_is_published() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"api": ["127.0.0.1:8000:8000"], "grafana": ["127.0.0.1:3000:3000"]}


@pytest.mark.parametrize("name", sorted(OURS))
def test_settings_load_with_the_environment_of_the_service(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(name, monkeypatch)

    for block in ("database", "broker"):
        if hasattr(settings, block):
            address = getattr(settings, block)
            assert address.host in SERVICES, block
            shared = set(SERVICES[address.host]["networks"]) & set(SERVICES[name]["networks"])
            assert shared, f"{name} cannot reach {address.host}"


@pytest.mark.parametrize("name", [name for name in OURS if name.startswith("edge-")])
def test_edge_reaches_its_machines(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge_agent import EdgeSettings
    from simulators import SimulatorSettings

    edge = settings_of(name, monkeypatch)
    machines = f"machines-{name.removeprefix('edge-')}"
    floor = settings_of(machines, monkeypatch)
    assert isinstance(edge, EdgeSettings)
    assert isinstance(floor, SimulatorSettings)

    for source in edge.sources.values():
        if source.driver == "opcua":
            assert source.endpoint == f"opc.tcp://{machines}:{floor.port}/"
        else:
            assert source.driver == "modbus"
            assert (source.host, source.port) == (machines, floor.port)
    address = edge.edge
    token = f"token-{address.enterprise}.{address.site}.{address.code}"
    assert edge.enrolment is not None
    assert str(edge.enrolment.token_file) == f"/run/secrets/{token}"
    assert edge.enrolment.url == "https://api:8000"
    assert edge.broker.tls is not None
    # The key is made in the edge's own volume.
    assert str(edge.broker.tls.certificate_file) in {
        f"{target}/identity.pem" for target in mounts(SERVICES[name])
    }
    assert set(SERVICES[name]["networks"]) & set(SERVICES["api"]["networks"])
    assert str(edge.outbox.file.parent) in mounts(SERVICES[name])


def test_migrate_loads_both_pilots() -> None:
    service = SERVICES["migrate"]
    inside = mounts(service)
    plants = [part for part in service["command"] if part.endswith("plant.yaml")]

    for plant in plants:
        target = next(target for target in inside if plant.startswith(f"{target}/"))
        load_settings(PlantDescription, ROOT / inside[target] / plant.removeprefix(f"{target}/"))
    assert len(plants) == 2


def test_every_edge_of_the_pilots_is_invited_and_may_be_a_sparkplug_node() -> None:
    acl = (ROOT / "docker/broker/acl").read_text("utf-8")
    users = set(re.findall(r"^user (\S+)$", acl, re.MULTILINE))
    described = {
        EdgeAddress(plant.enterprise.code, site.code, edge).identity
        for file in (ROOT / "simulators/pilots").glob("*/plant.yaml")
        for plant in [load_settings(PlantDescription, file)]
        for site in plant.sites
        for edge in site.edges
    }
    invited = {
        secret.removeprefix("token-").replace(".", "/")
        for secret in STACK["secrets"]
        if secret.startswith("token-")
    }

    assert described == invited
    # Beside edges, the services that have a certificate; the start script puts in their names.
    services = {f"@{name}" for name in (*CLIENTS, ADMINISTRATOR)}
    assert users == described | services
    held = {secret.replace("tls-", "@") for secret in STACK["secrets"]} & services
    # No Sparkplug host runs here.
    assert held == services - {"@ingest-sparkplug"}


def test_every_listener_of_the_broker_asks_for_a_certificate_of_its_own_authority() -> None:
    text = (ROOT / "docker/broker/mosquitto.conf").read_text("utf-8")
    listeners = re.split(r"^listener ", text, flags=re.MULTILINE)[1:]

    assert [part.split()[0] for part in listeners] == ["8883", "8884", "8885"]
    for part in listeners:
        for line in ("require_certificate true", "use_identity_as_username true"):
            assert f"{line}\n" in part
    for part, name in zip(listeners, ("edges", "services", "administration"), strict=True):
        assert re.findall(r"^cafile \S+/authority-(\w+)\.pem$", part, re.MULTILINE) == [name]
        pinned = "use_username_as_clientid true\n" in part
        # The administrator takes the client ids of edges.
        assert pinned is (name != "administration")
        assert ("crlfile " in part) is (name == "edges")
    assert "allow_anonymous false\n" in text


def test_administration_registers_the_tokens_of_the_stack(tmp_path: Path) -> None:
    (tmp_path / "token-a.b.edge-1").write_text("x" * 48)
    program = tmp_path / "nhipmay"
    program.write_text('#!/bin/sh\necho "$@" >>"$LOG"\n')
    program.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "LOG": str(tmp_path / "log"),
        "NHIPMAY_SECRETS": str(tmp_path),
        "NHIPMAY_SETTINGS": "s.yaml",
    }
    script = ["sh", str(ROOT / "docker/administration.sh")]

    subprocess.run(script, check=True, env=environment)
    subprocess.run([*script, "edge", "revoke", "a/b/c"], check=True, env=environment)

    assert (tmp_path / "log").read_text().splitlines() == [
        "authority revocation-list --settings s.yaml",
        f"edge invite a/b/edge-1 --token-file {tmp_path}/token-a.b.edge-1 --hours 168 "
        "--settings s.yaml",
        "edge revoke a/b/c --settings s.yaml",
    ]


def test_every_build_target_exists() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))

    for name in OURS:
        build = SERVICES[name]["build"]
        assert build["target"] in stages
        assert SERVICES[name]["image"].startswith(f"nhipmay-{build['target']}:")


def test_images_hold_one_lock_each_and_run_as_somebody() -> None:
    stages = re.split(r"^(?=FROM )", DOCKERFILE, flags=re.MULTILINE)[1:]
    named = {match[1]: stage for stage in stages if (match := re.search(r" AS (\S+)", stage))}
    bases = {stage.split()[1] for stage in stages}

    assert {base for base in bases - set(named) if not re.search(r":\d+\.\d+\.\d+", base)} == set()
    assert "USER 10001:10001" in named["runtime"]
    for service in ("edge", "ingest", "analytics", "api", "simulate"):
        assert (ROOT / f"requirements/{service}.txt").exists()
        assert f"--require-hashes --requirement {service}.txt" in named[f"{service}-packages"]
        assert "pip install --no-deps" in named[f"{service}-complete"]
        assert f"FROM runtime AS {service}" in named[service]


def test_builder_gets_every_package_of_the_wheel() -> None:
    import tomllib

    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    sent = set(re.findall(r"^!(\w+)/$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))

    assert sent == set(wheel["targets"]["wheel"]["packages"])


def test_grafana_gets_what_its_data_sources_name() -> None:
    environment = SERVICES["grafana"]["environment"]
    given = {name.removesuffix("__FILE") for name in environment}
    text = (ROOT / "dashboards/grafana/provisioning/datasources/nhipmay.yaml").read_text("utf-8")

    assert set(re.findall(r"\$(GF_\w+)", text)) <= given
    assert environment["GF_NM_API"] == "https://api:8000"
    provider = (ROOT / "dashboards/grafana/provisioning/dashboards/nhipmay.yaml").read_text("utf-8")
    path = yaml.safe_load(provider)["providers"][0]["options"]["path"]
    assert mounts(SERVICES["grafana"])[path] == "./dashboards/grafana/dashboards"


def test_grafana_starts_without_the_internet() -> None:
    """A plugin that is fetched at the first start stops it where there is none."""
    environment = SERVICES["grafana"]["environment"]

    assert not [name for name in environment if name.startswith("GF_PLUGINS_PREINSTALL_SYNC")]
    assert environment["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert (
        mounts(SERVICES["grafana"])[environment["GF_PATHS_PLUGINS"]] == "./docker/grafana-plugins"
    )


def test_a_plugin_is_laid_only_with_the_right_checksum(tmp_path: Path) -> None:
    archive = tmp_path / "plugin.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("yesoreyeram-infinity-datasource/plugin.json", "{}")
    script = ROOT / "docker" / "grafana-plugin.sh"
    right = hashlib.sha256(archive.read_bytes()).hexdigest()

    def lay(checksum: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", script, archive, checksum, tmp_path / "laid"],
            capture_output=True,
            text=True,
            check=False,
        )

    wrong = lay("0" * 64)
    assert wrong.returncode == 1
    assert "checksum" in wrong.stderr
    assert not (tmp_path / "laid").exists()
    assert lay(right).returncode == 0
    assert (tmp_path / "laid/yesoreyeram-infinity-datasource/plugin.json").read_text() == "{}"
