"""The command `nhipmay import`: one source after another's wish, and the report in words."""

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rich.console import Console

from ingest.mes.file_import import FileImport, import_file, import_reasons
from ingest.mes.poll import poll, watch
from ingest.mes.settings import ForeignTableSettings, ImportSettings
from nhipmay.runtime import configure_logging, stop_on_signals
from plant.errors import ConfigurationError
from plant.mes import Report
from plant.mes.file import TableOptions, template
from plant.settings import load_settings
from store.mes.store import MesStore


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options of the command, as given."""

    file: Path | None
    kind: str | None
    preview: bool
    site: str | None
    enterprise: str | None
    time_zone: str | None
    sheet: str | None
    mapping: str | None
    who: str
    reason: str
    reasons: str | None
    sql: Path | None
    watch: bool
    template: bool
    settings: Path | None


def run_import(options: ImportOptions, console: Console) -> bool:
    """Do what the options say and print the report; return whether everything was fit."""
    if options.template:
        if options.kind is None:
            raise ConfigurationError("say of what: --template --kind products")
        console.print(template(options.kind), markup=False, highlight=False, soft_wrap=True)
        return True
    sources = [options.file, options.sql, options.reasons]
    if sum(source is not None for source in sources) != 1:
        raise ConfigurationError("name one source: a file, --sql SETTINGS or --reasons SECTOR")
    if options.watch and options.sql is None:
        raise ConfigurationError("--watch reads a foreign table again and again: it needs --sql")
    if options.sql is not None:
        return _foreign(options, options.sql, console)
    settings = load_settings(ImportSettings, options.settings)
    if options.reasons is not None:
        if options.enterprise is None:
            raise ConfigurationError("say whose reasons they become: --enterprise CODE")
        report = import_reasons(
            settings,
            options.reasons,
            options.enterprise,
            preview=options.preview,
            who=options.who,
        )
        return _print(report, options, console)
    assert options.file is not None
    asked = FileImport(
        file=options.file,
        kind=options.kind,
        sheet=options.sheet,
        mapping=options.mapping,
        options=TableOptions(_defaults(options), _zone(options.time_zone)),
        preview=options.preview,
        who=options.who,
        reason=options.reason,
    )
    return _print(import_file(settings, asked), options, console)


def _foreign(options: ImportOptions, file: Path, console: Console) -> bool:
    settings = load_settings(ForeignTableSettings, file)
    configure_logging(settings.log)
    store = MesStore(settings.database)
    try:
        if options.watch:
            watch(settings, store, stop_on_signals())
            return True
        return _print(poll(settings, store, preview=options.preview), options, console)
    finally:
        store.close()


def _defaults(options: ImportOptions) -> dict[str, str]:
    given = {"site": options.site, "enterprise": options.enterprise}
    if options.site is not None and options.enterprise is None:
        given["enterprise"] = options.site.partition("/")[0]
    return {name: value for name, value in given.items() if value is not None}


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ConfigurationError(f"{name!r} is no IANA zone such as Asia/Ho_Chi_Minh") from exc


def _print(report: Report, options: ImportOptions, console: Console) -> bool:
    for remark in report.remarks:
        console.print(str(remark), markup=False, highlight=False, soft_wrap=True)
    for problem in report.problems:
        console.print(str(problem), markup=False, highlight=False, soft_wrap=True)
    more = report.problem_count - len(report.problems)
    if more > 0:
        console.print(f"... and {more} more problems", markup=False, highlight=False)
    if report.committed:
        end = "written"
    elif options.preview and report.fit:
        end = "preview: nothing was written"
    else:
        end = "nothing was written"
    console.print(f"{report.words()}: {end}", markup=False, highlight=False, soft_wrap=True)
    return report.fit
