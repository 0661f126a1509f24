"""The command `nhipmay pull`: the reference client of the department's pull API."""

import ipaddress
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from nhipmay.command.console import console
from nhipmay.runtime import missing_extra
from plant.errors import ConfigurationError
from plant.outgoing import call

_MOST_BYTES = 20_000_000
_WITHIN_S = 60.0


def pull(
    url: Annotated[str, typer.Argument(help="Address of the platform.")],
    dataset: Annotated[str, typer.Option(help="Code of the dataset.")],
    client_id: Annotated[str, typer.Option(help="Number of the client's token.")],
    secret_file: Annotated[Path, typer.Option(help="File with its secret.")],
    into: Annotated[Path, typer.Option(help="Folder that holds cursor and files.")] = Path(),
    form: Annotated[str, typer.Option("--format", help="json, csv or xlsx.")] = "csv",
    as_of: Annotated[
        str | None, typer.Option(help="As it was at a moment (RFC 3339 with an offset).")
    ] = None,
    correlation: Annotated[
        str, typer.Option(help="Id that the log of pulls names; made when left out.")
    ] = "",
    network: Annotated[
        list[str] | None,
        typer.Option(help="Network of our own that may be called, by HTTP too; again for more."),
    ] = None,
    drop: Annotated[
        Path | None, typer.Option(help="Folder where the rows are left for another system.")
    ] = None,
    push: Annotated[
        Path | None, typer.Option(help="JSON settings of the provincial platform to post to.")
    ] = None,
) -> None:
    """Bring released rows that are new, verify each, and write those that hold as a file."""
    try:
        from assessment.sharing import Puller
    except ImportError as exc:
        raise missing_extra("pull", "assessment", exc) from exc
    try:
        networks = [ipaddress.ip_network(one) for one in network or []]
        secret = secret_file.read_text(encoding="utf-8").strip()
    except (ValueError, OSError) as exc:
        raise ConfigurationError(str(exc)) from exc

    def ask(
        method: str, address: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        answer = call(
            method,
            address,
            body=body,
            headers=headers,
            networks=networks,
            timeout_s=_WITHIN_S,
            most_bytes=_MOST_BYTES,
        )
        return answer.status, answer.body

    found = Puller(url, client_id, secret, ask, into).pull(
        dataset, form, correlation or str(uuid.uuid4()), as_of
    )
    words = (
        f"{dataset}: {found.new} dòng mới, {found.rows} dòng có hiệu lực, con trỏ {found.cursor}"
    )
    console().print(words, markup=False)
    if drop is not None or push is not None:
        _hand_over(into / f"{dataset}.jsonl", dataset, drop, push, ask)


def _hand_over(log: Path, dataset: str, drop: Path | None, push: Path | None, ask: object) -> None:
    import json

    from assessment.sharing.lgsp import FileDrop, LgspPush, LgspSettings, Outlet

    assert callable(ask)
    rows = [json.loads(line)["content"] for line in log.read_text("utf-8").splitlines()]
    outlets: list[Outlet] = [] if drop is None else [FileDrop(drop)]
    if push is not None:
        settings = LgspSettings.model_validate_json(push.read_bytes())

        def post(address: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
            answer: tuple[int, bytes] = ask("POST", address, body, headers)
            return answer

        outlets.append(LgspPush(settings, post))
    for outlet in outlets:
        key = outlet.hand_over(dataset, rows)
        console().print(f"{type(outlet).__name__}: {key}", markup=False)
