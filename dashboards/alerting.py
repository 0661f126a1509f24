"""Alert rules: what people are called for, as files that Grafana provisions and as what is pushed.

A rule asks for a value of everything it watches, not for offenders alone, so that an alert is seen
to end. No template variables: Grafana has none here. Machines in planned maintenance are left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dashboards.query import POSTGRES, sql

FOLDER_UID = "nm"
FOLDER_TITLE = "Nhịp Máy"
GROUP = "nhipmay"
CONTACT = "nhipmay"
"""The contact point's name, and where our route leads."""
_EVERY_S = 60
_OURS = ["product", "=", "nhipmay"]
"""What every rule of ours is labelled with."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One value per row of a query, and from where on it is bad, for how long."""

    uid: str
    """Also the name of its query."""
    title: str
    beyond: Literal["gt", "lt"]
    limit: float
    lasting: str
    severity: Literal["warning", "critical"]
    summary: str
    """In words; `{{ $labels.name }}` is what it is about, `{{ $values.A.Value }}` the value."""


_NAME = "{{ $labels.name }}"
_VALUE = '{{ printf "%.1f" $values.A.Value }}'

RULES = (
    Rule(
        "alert_edge_silent",
        "Cổng kết nối mất liên lạc · edge silent",
        "gt",
        180,
        "2m",
        "critical",
        f"{_NAME}: không báo gì từ {_VALUE} giây · nothing heard for {_VALUE} s",
    ),
    Rule(
        "alert_buffer_low",
        "Bộ đệm sắp đầy · buffer low",
        "lt",
        4,
        "5m",
        "critical",
        f"{_NAME}: bộ đệm còn {_VALUE} giờ · {_VALUE} h of buffer left",
    ),
    Rule(
        "alert_ledger_gap",
        "Thiếu dữ liệu đã gửi · ledger gap",
        "gt",
        0,
        "10m",
        "critical",
        f"{_NAME}: thiếu {_VALUE} số đo không ai giữ · {_VALUE} measurements that nobody keeps",
    ),
    Rule(
        "alert_coverage",
        "Độ phủ thấp · coverage low",
        "lt",
        0.9,
        "0s",
        "warning",
        f"{_NAME}: số liệu của ca gần nhất thiếu tín hiệu · the last shift was seen in part only",
    ),
    Rule(
        "alert_long_stop",
        "Dừng lâu · long stop",
        "gt",
        30,
        "0s",
        "warning",
        f"{_NAME}: dừng {_VALUE} phút · stopped for {_VALUE} min",
    ),
    Rule(
        "alert_oee_under_target",
        "OEE đã chốt dưới mục tiêu · final OEE under target",
        "lt",
        0,
        "0s",
        "warning",
        f"{_NAME}: OEE ca gần nhất dưới mục tiêu · the last final OEE is under its target",
    ),
    Rule(
        "alert_anomaly",
        "Bất thường · anomaly",
        "gt",
        0,
        "0s",
        "warning",
        f"{_NAME}: bất thường chưa ai xem · an anomaly that nobody has looked at",
    ),
    Rule(
        "alert_figures_behind",
        "Số liệu chậm · figures behind",
        "gt",
        1800,
        "10m",
        "critical",
        f"{_NAME}: số liệu chậm {_VALUE} giây · figures are {_VALUE} s behind",
    ),
)


def rule_group() -> dict[str, Any]:
    """Return all rules as Grafana's API takes a group."""
    return {
        "title": GROUP,
        "folderUid": FOLDER_UID,
        "interval": _EVERY_S,
        "rules": [_rule(one) for one in RULES],
    }


def provisioned_rules() -> dict[str, Any]:
    """Return the content of the file that Grafana provisions the rules from."""
    group = rule_group()
    rules = [{**one, "annotations": _escaped(one["annotations"])} for one in group["rules"]]
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": GROUP,
                "folder": FOLDER_TITLE,
                "interval": f"{_EVERY_S}s",
                "rules": rules,
            }
        ],
    }


def contact_points(notify: Sequence[str]) -> list[dict[str, Any]]:
    """Return the contact point of addresses as Grafana's API takes it, a part per kind of address.

    What holds an `@` is an e-mail address; the others are webhooks (`https://…`).
    """
    mails = [one for one in notify if "@" in one and "://" not in one]
    hooks = [one for one in notify if one not in mails]
    mail = {"addresses": ";".join(mails), "singleEmail": True}
    found = (
        [{"uid": "nm-mail", "name": CONTACT, "type": "email", "settings": mail}] if mails else []
    )
    return found + [
        {"uid": f"nm-hook-{number}", "name": CONTACT, "type": "webhook", "settings": {"url": hook}}
        for number, hook in enumerate(hooks, start=1)
    ]


def routed(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tree of notification policies with our route; everything else in it stays.

    What is critical is said again every four hours while it lasts, the rest twice a day; what comes
    up together comes as one message.
    """
    ours = {
        "receiver": CONTACT,
        "object_matchers": [_OURS],
        "group_by": ["grafana_folder", "alertname"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "12h",
        "routes": [
            {"object_matchers": [["severity", "=", "critical"]], "repeat_interval": "4h"},
        ],
    }
    others = [one for one in tree.get("routes") or [] if one.get("object_matchers") != [_OURS]]
    return {**tree, "routes": [ours, *others]}


def _escaped(texts: dict[str, str]) -> dict[str, str]:
    # Of a provisioned file, Grafana takes `$NAME` for a variable of its environment.
    return {name: text.replace("$", "$$") for name, text in texts.items()}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "uid": f"nm-{rule.uid.replace('_', '-')}",
        "title": rule.title,
        "ruleGroup": GROUP,
        "folderUID": FOLDER_UID,
        "condition": "B",
        "for": rule.lasting,
        # Nothing to watch is no alert; a query that fails is one.
        "noDataState": "OK",
        "execErrState": "Error",
        "isPaused": False,
        "labels": {"severity": rule.severity, "product": "nhipmay"},
        "annotations": {"summary": rule.summary},
        "data": [_asked(rule), _compared(rule)],
    }


def _asked(rule: Rule) -> dict[str, Any]:
    return {
        "refId": "A",
        "datasourceUid": POSTGRES.uid,
        "relativeTimeRange": {"from": 3600, "to": 0},
        "model": {
            "refId": "A",
            "datasource": POSTGRES.to_json(),
            "editorMode": "code",
            "format": "table",
            "rawQuery": True,
            "rawSql": sql(rule.uid),
        },
    }


def _compared(rule: Rule) -> dict[str, Any]:
    expression = {"type": "__expr__", "uid": "__expr__"}
    return {
        "refId": "B",
        "datasourceUid": "__expr__",
        "relativeTimeRange": {"from": 3600, "to": 0},
        "model": {
            "refId": "B",
            "type": "threshold",
            "datasource": expression,
            "expression": "A",
            "conditions": [{"evaluator": {"type": rule.beyond, "params": [rule.limit]}}],
        },
    }
