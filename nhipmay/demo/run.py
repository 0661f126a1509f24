"""Running the demo: until Ctrl-C with a live page, or unattended with a check against truth."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from nhipmay.demo.plan import PILOTS, descriptions
from nhipmay.demo.readiness import Settling
from nhipmay.demo.session import DemoOptions, DemoSession
from nhipmay.demo.watching import Watching
from plant.clock import system_clock
from plant.errors import TransientError
from plant.place import Level
from plant.settings import ClockSettings

_SITE_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_SHOWN_HISTORY = timedelta(hours=8)
_DRAIN_WITHIN_S = 600.0


def run_demo(options: DemoOptions, console: Console) -> None:
    """Run until Ctrl-C (or SIGTERM), restarting whatever dies."""
    now = system_clock()
    clock = ClockSettings(
        wall_origin=now, plant_origin=now - _SHOWN_HISTORY, speed=options.speed, catch_up=True
    )
    with suppress(_Interrupted), _running(options, clock, console) as session:
        console.print(
            f"\n  [bold green]Nhịp Máy: {session.addresses.url}[/]\n\n"
            f"  The plants play the last {_SHOWN_HISTORY.seconds // 3600} hours at "
            f"{options.speed:g} times real time, then live.\n"
            f"  You come in as an engineer of {PILOTS[0]}; the link at the top shows other roles.\n"
            f'  Programs: curl -H "Authorization: Bearer $(cat {session.api.token_file})" '
            f"{session.addresses.url}/api/v1/places\n"
            f"  Data, settings and logs: {options.data}\n"
            "  Ctrl-C stops everything.\n"
        )
        if options.programme:
            console.print(
                f"  The programme: {session.addresses.url}/programme - choose a role of the "
                "department or of its enterprises at the top right.\n"
            )
        # Nobody would wait for a machine to be learned: the demo does as an engineer does.
        places = [place for one in descriptions() for place in one.places()]
        machines = [place.path for place in places if place.level is Level.WORK_UNIT]
        session.tend_until(Watching(session.api, machines).step)


def run_check(options: DemoOptions, duration: timedelta, console: Console) -> bool:
    """Run unattended for a wall duration, compare with truth, print the table.

    Returns whether everything agrees. The plant's time starts half an hour before the morning
    shift, so that a long enough run covers whole shifts.
    """
    now = system_clock()
    plant_duration = duration * options.speed
    start = _last_morning(now, plant_duration)
    clock = ClockSettings(
        wall_origin=now, plant_origin=start, speed=options.speed, until=start + plant_duration
    )
    try:
        return _checked(options, clock, console)
    except _Interrupted:
        return False


def _checked(options: DemoOptions, clock: ClockSettings, console: Console) -> bool:
    start, until = clock.plant_origin, clock.until or clock.plant_origin
    with _running(options, clock, console) as session:
        _watch(session, start, until, console)
        with console.status("Waiting until everything is taken in …"):
            if not session.tend_until(Settling(session.api).done, _DRAIN_WITHIN_S):
                raise TransientError(
                    f"the platform had not taken in everything after {_DRAIN_WITHIN_S:.0f} s: "
                    f"{session.api.fetched('/api/v1/delivery')['data']}"
                )
        return _compare(session, start, until, console)


@contextmanager
def _running(options: DemoOptions, clock: ClockSettings, console: Console) -> Iterator[DemoSession]:
    session = DemoSession(options, clock, console)
    try:
        with _signals():
            session.start()
            yield session
    finally:
        console.print("Stopping …")
        session.stop()


def _watch(session: DemoSession, start: datetime, until: datetime, console: Console) -> None:
    plant_clock = session.clock.plant_clock()
    total = (until - start).total_seconds()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("plant time", total=total)
        while (now := plant_clock()) < until:
            session.tend()
            progress.update(
                task,
                completed=(now - start).total_seconds(),
                description=f"plant time {now.astimezone(_SITE_ZONE):%Y-%m-%d %H:%M}",
            )
            time.sleep(0.5)
        progress.update(task, completed=total)


def _compare(session: DemoSession, start: datetime, until: datetime, console: Console) -> bool:
    from simulators.check import compare

    truth = sorted(session.folder.truth.glob("*.sqlite"))
    report = compare(session.addresses.url, truth, start, until, token=session.api.token)
    table = Table(title="What the API says, against the simulators' ground truth")
    for heading in ("", "what", "place", "shift", "expected", "found", "tolerance", "note"):
        table.add_column(heading, overflow="fold")
    for row in report.rows:
        mark = "[green]ok[/]" if row.ok else "[bold red]DIFFERS[/]"
        ends = row.place.split("/")
        place = row.place if len(ends) < 3 else f"{ends[0]} … {ends[-1]}"
        cells = (row.what, place, row.shift, row.expected, row.found, row.tolerance, row.note)
        table.add_row(mark, *("" if cell is None else str(cell) for cell in cells))
    console.print(table)
    for name, times in session.supervisor.restarts.items():
        console.print(f"{name} was started again {times} times meanwhile")
    return bool(report.ok)


def _last_morning(now: datetime, plant_duration: timedelta) -> datetime:
    """Return the latest 05:30 at the site from which the whole duration lies in the past."""
    local = (now - plant_duration).astimezone(_SITE_ZONE)
    morning = local.replace(hour=5, minute=30, second=0, microsecond=0)
    if morning > local:
        morning -= timedelta(days=1)
    return morning.astimezone(now.tzinfo)


class _Interrupted(BaseException):
    """A signal asked the demo to end."""


@contextmanager
def _signals() -> Iterator[None]:
    handled = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(_number: int, _frame: object) -> None:
        # A second Ctrl-C must not cut the orderly stop short.
        for number in handled:
            signal.signal(number, signal.SIG_IGN)
        raise _Interrupted

    previous = {number: signal.signal(number, interrupt) for number in handled}
    try:
        yield
    finally:
        # While everything stops, another Ctrl-C changes nothing.
        for number, handler in previous.items():
            if signal.getsignal(number) is interrupt:
                signal.signal(number, handler)
