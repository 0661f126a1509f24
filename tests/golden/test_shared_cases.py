"""Published and derived cases of OEE: our own, and the reference data beside the checkout.

Our own, in the same form, hold at least three more of every kind, answers worked out by hand.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from plant.kpi.ratio import ratio
from tests.golden.scenario import run
from tests.golden.story import Case, clock
from tests.golden.test_golden import differences

# Wrong answers that the cases warn of, and remarks.
_NOT_OURS = ("wrong", "naive", "python_", "clamp", "modular_delta", "flag")


def _minutes(given: Case, name: str) -> float:
    """Return a cycle time in minutes, whichever unit the case gives it in."""
    return float(given[f"{name}_s"]) / 60 if f"{name}_s" in given else float(given[f"{name}_min"])


def _counts(given: Case) -> dict[str, Any]:
    run_time = given["shift"] - given["planned_breaks"] - given["stop_time"]
    good = given["total"] - given["reject"]
    found = run(
        "sums",
        {
            "apt": run_time,
            "adet": given["stop_time"],
            "planned_downtime": given["planned_breaks"],
            "pri": _minutes(given, "ideal_cycle"),
            "produced": given["total"],
            "good": good,
        },
    )
    return {
        "planned_production_time": found["pbt"],
        "run_time": found["apt"],
        "good": found["good"],
        "availability": found["availability"],
        "performance": found["effectiveness"],
        "quality": found["quality_ratio"],
        "oee": found["oee"],
    }


def _factors(given: Case) -> dict[str, Any]:
    made = given["performance"] * given["run_time"]
    found = run(
        "sums",
        {
            "apt": given["run_time"],
            "adet": given["shift"] - given["planned_breaks"] - given["run_time"],
            "pri": 1,
            "produced": made,
            "good": made * given["quality"],
        },
    )
    return {
        "planned_production_time": found["pbt"],
        "availability": round(found["availability"], 2),
        "oee": found["oee"],
    }


def _pool(given: Case) -> dict[str, Any]:
    places = [
        {
            "apt": part["run"],
            "adet": part["ppt"] - part["run"],
            "pri": part["ict"],
            "produced": part["total"],
            "good": part["good"],
        }
        for part in given["parts"]
    ]
    found = run("pool", {"places": places})
    return found | {"ppt": found["pbt"], "run": found["apt"], "total": found["produced"]}


def _losses(given: Case) -> dict[str, Any]:
    found = run(
        "losses",
        {
            "apt": given["ppt"] - given["downtime"],
            "aust": given["setup"],
            "adet": given["downtime"] - given["setup"],
            "breakdown": given["downtime"] - given["setup"],
            "pri": given["ict"],
            "produced": given["total"],
            "good": given["total"] - given["reject"],
            "start_up_rejects": given["startup_reject"],
        },
    )
    return {
        "breakdowns": found["breakdown"],
        "setup_and_adjustments": found["setup"],
        "minor_stops_and_reduced_speed": found["minor_stops"] + found["reduced_speed"],
        "process_defects": found["defects"],
        "reduced_yield": found["start_up"],
        "fully_productive": found["productive"],
    }


def _duration(given: Case) -> dict[str, Any]:
    events = [[at, "EXECUTE" if on else "STOPPED"] for at, on in given["events"]]
    found = _shifted(states=events, window=[events[0][0][:5], "19:00"])
    return {"on_s": round(found["apt"] * 60)}


def _shifted(**given: Any) -> dict[str, Any]:
    return run("scenario", {"shifts": [{"name": "all", "start": "00:00", "end": "00:00"}]} | given)


def _at(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}"


def _break_overlap(given: Case) -> dict[str, Any]:
    begin, end = given["shift"]
    stop_begin, stop_end = given["stop"]
    found = run(
        "scenario",
        {
            "window": [begin, end],
            "shifts": [{"name": "day", "start": begin, "end": end, "breaks": [given["break"]]}],
            "states": [[begin, "EXECUTE"], [stop_begin, "HELD"], [stop_end, "EXECUTE"]],
        },
    )
    return found | {"ppt": found["pbt"], "stop_in_ppt": found["adet"], "run": found["apt"]}


def _across_shifts(given: Case) -> dict[str, Any]:
    boundary = given["shift_boundary"]
    begin, end = given["stop"]
    found = run(
        "scenario",
        {
            "window": ["20:00", "23:00"],
            "shifts": [
                {"name": "one", "start": "14:00", "end": boundary},
                {"name": "two", "start": boundary, "end": "06:00"},
            ],
            "states": [["20:00", "EXECUTE"], [begin, "ABORTED"], [end, "EXECUTE"]],
        },
    )
    return {
        "shift1_stop_min": found["one_adet"],
        "shift2_stop_min": found["two_adet"],
        "failure_count_total": found["failure_events"],
    }


def _night(given: Case) -> dict[str, Any]:
    start, end = given["start_local"], given["end_local"]
    shift = {"name": "night", "start": start[11:], "end": end[11:]}
    found = run("calendar", {"zone": given["tz"], "day": start[:10], "shift": shift})
    return found | {"start_utc": found["start_utc"].replace("+00:00", "Z")}


def _product_change(given: Case) -> dict[str, Any]:
    lots = [
        {"pri": lot["ict_s"] / 60, "produced": lot["count"], "good": lot["count"]}
        for lot in given["lots"]
    ]
    lots[0]["apt"] = given["run_s"] / 60
    return {"performance": run("mix", {"lots": lots})["effectiveness"]}


def _wrap(given: Case) -> dict[str, Any]:
    readings = [given["old"], given["new"]]
    return {"delta": run("counter", {"readings": readings, "modulus": 2 ** given["bits"]})["total"]}


def _messages(given: Case) -> dict[str, Any]:
    return run("increments", {"messages": given["increments"]})


def _reset(given: Case) -> dict[str, Any]:
    found = run(
        "counter",
        {
            "readings": [given["old"], given["new"]],
            "times_s": [0, given["dt_s"]],
            "modulus": 2 ** given["bits"],
            "max_rate_per_s": given["max_rate_per_s"],
        },
    )
    return {"accepted_delta": found["total"], "kind": found["events"][0]}


def _silence(given: Case) -> dict[str, Any]:
    until, timeout = given["running_until_s"], given["timeout_s"]
    reports = [*range(0, until + 1, timeout), *range(given["reconnect_s"], given["ppt_s"], timeout)]
    found = _shifted(
        window=["00:00", _at(given["ppt_s"])],
        silence_s=timeout,
        states=[[_at(moment), "EXECUTE"] for moment in reports],
    )
    return {
        "run_s": found["apt"] * 60,
        "unknown_s": found["unknown"] * 60,
        "down_s": (found["adet"] + found["adot"]) * 60,
        "coverage": found["coverage"],
        "availability_known_time": found["availability"] / found["coverage"],
        "availability_lower_bound": found["availability_low"],
    }


def _speed(given: Case) -> dict[str, Any]:
    count = given["count"]
    found = run(
        "sums",
        {
            "apt": given["run_s"] / 60,
            "adet": (given.get("ppt_s", given["run_s"]) - given["run_s"]) / 60,
            "pri": given.get("ict_s", 1) / 60,
            "produced": count,
            "good": count,
        },
    )
    return found | {
        "performance_raw": found["effectiveness"],
        "performance": found["effectiveness"],
        "quality": found["quality_ratio"],
    }


def _rework(given: Case) -> dict[str, Any]:
    good = given["total"] - given["scrap"] - given["rework"]
    more = {"scrap": given["scrap"], "rework": given["rework"]}
    found = run("sums", {"apt": 1, "pri": 0.001, "produced": given["total"], "good": good} | more)
    return found | {"quality_first_pass": found["quality_ratio"]}


def _minor_stops(given: Case) -> dict[str, Any]:
    states: list[list[str]] = [["00:00", "EXECUTE"]]
    for number, length in enumerate(given["stops_s"], start=1):
        begin = number * 3600
        states += [[_at(begin), "HELD"], [_at(begin + length), "EXECUTE"]]
    found = _shifted(
        window=["00:00", _at(given["ppt_s"])],
        minor_stop_threshold_s=given["threshold_s"],
        states=states,
        products=[["00:00", "a"]],
        run_times_s={"a": given["ict_s"]},
        counters={
            "good": [["00:00", 0], ["07:59", given["good"]]],
            "scrap": [["00:00", 0], ["07:59", given["count"] - given["good"]]],
        },
    )
    return found | {"performance": found["effectiveness"]}


def _iso_list(given: Case) -> dict[str, Any]:
    times = {name.lower(): given[name] for name in ("APT", "AUST", "ADET", "ADOT")}
    counts = {"pri": given["PRI"], "produced": given["PQ"], "good": given["GQ"]}
    found = run("sums", times | counts)
    names = {"AUPT": found["aupt"], "AUBT": found["aubt"], "quality": found["quality_ratio"]}
    return found | names


def _partial(given: Case) -> dict[str, Any]:
    return _shifted(
        window=["00:00", _at(given["elapsed_s"])],
        states=[["00:00", "EXECUTE"], [_at(given["run_s"]), "HELD"]],
    )


def _mtbf(given: Case) -> dict[str, Any]:
    found = run("failures", given)
    return {
        "mtbf_div_fe_h": found["mtbf_h"],
        "mtbf_div_fe_plus_1_h": found["mtbf_plus_one_h"],
        "mttr_h": found["mttr_h"],
    }


def _unscheduled(given: Case) -> dict[str, Any]:
    return run("sums", {"calendar": given["calendar_s"] / 60, "produced": 0, "good": 0})


BY_KIND: dict[str, Callable[[Case], dict[str, Any]]] = {
    "oee_counts": _counts,
    "oee_factors_times": _factors,
    "ratio": lambda given: {"value": ratio(given["num"], given["den"])},
    "rollup_counts": _pool,
    "six_losses": _losses,
    "counter": lambda given: {"reset_to_zero_rule": run("counter", given)["total"]},
    "state_duration": _duration,
    "D01": _break_overlap,
    "D02": _across_shifts,
    "D03": _night,
    "D04": _night,
    "D06": _product_change,
    "D08": _wrap,
    "D10": _reset,
    "D12": _messages,
    "D13": _silence,
    "D14": _speed,
    "D15": _speed,
    "D16": _unscheduled,
    "D18": _rework,
    "D19": _minor_stops,
    "D20": _minor_stops,
    "D21": _iso_list,
    "D24": _partial,
    "D28": _mtbf,
}


OWN = Path(__file__).parent / "more_oee_cases.json"


def _cases(file: Path) -> list[Case]:
    cases = json.loads(file.read_text(encoding="utf-8"))
    return [*cases["published"], *cases["derived"]]


def _kind(case: Case) -> str:
    return str(case.get("kind") or case["id"].partition("_")[0])


def _missed(cases: list[Case]) -> dict[str, Any]:
    """Return what is not as expected, by case."""
    told: dict[str, Any] = {}
    for case in cases:
        kind = _kind(case)
        expected: Mapping[str, Any] = {
            name: value
            for name, value in case["expected"].items()
            if not name.startswith(_NOT_OURS)
        }
        found = BY_KIND[kind](case["inputs"]) if kind in BY_KIND else {}
        if off := differences(dict(expected), found, case.get("tol", 1e-9)):
            told[case["id"]] = off
    return told


def test_shared_cases_are_met(shared_data: Path) -> None:
    assert _missed(_cases(shared_data / "oee_cases.json")) == {}


def test_our_own_cases_are_met() -> None:
    assert _missed(_cases(OWN)) == {}


def test_every_kind_has_cases_of_our_own() -> None:
    found = Counter(_kind(case) for case in _cases(OWN))
    assert {kind for kind in BY_KIND if found[kind] < 3} == set()


def test_clock_of_a_case_counts_minutes() -> None:
    assert clock("06:01") - clock("06:00") == 60_000
    assert clock("06:00 +1d") - clock("06:00") == 86_400_000
