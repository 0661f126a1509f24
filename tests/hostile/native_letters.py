"""What an edge of another enterprise may send on the native topics."""

import json
import random
from typing import Any

from plant.native.message import SCHEMA, Leaf
from tests.damage import damaged
from tests.hostile.letter import EDGES, SITE, Author, Letter, Making, edge, native

SAW = f"{SITE}/gia-cong/day-chuyen/cua"
GRINDER = f"{SITE}/gia-cong/day-chuyen/mai"
_FOUR_BYTES = "\U0001f5ff"
_YEAR_2000_US = 946_684_800_000_000
_DAY_US = 86_400_000_000

ODD_VALUES: tuple[Any, ...] = (
    1e308, -0.0, 5e-324, 2**53 + 1, 2**63, 2**70, 10**400, True, None, "", " ", "a\0b", "\u202eabc",
    _FOUR_BYTES * 1000, "x" * 4096, "x" * 4097, "NaN", [], {}, [[1]], "\ufeff", "\x7f", "\x1b[2J",
)  # fmt: skip
ODD_TIMES: tuple[Any, ...] = (
    0, -1, -(2**62), 2**62, 2**62 + 1, 2**63, -62_135_596_800_000_001, 253_402_300_800_000_000,
    9_224_318_015_999_999_999, -210_866_803_200_000_000, 1.5, None, "now", True,
)  # fmt: skip
ODD_NAMES: tuple[Any, ...] = (
    "", "\0", "x" * 10_000, _FOUR_BYTES * 1000, "../..", "a/b/c", "'; drop table tag; --", None, 7,
    "\u202e", "nhan-chung/nhiet-do",
)  # fmt: skip


def dumped(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode(errors="surrogatepass")


def number_tag(code: str) -> str:
    return f"{code}/nhiet-do"


def text_tag(code: str) -> str:
    return f"{code}/ghi-chu"


def birth(author: Author, code: str, unit: str, *, epoch: str = "") -> Letter:
    """The birth of an edge with a tag for numbers and one for texts."""
    tags = [
        {"name": number_tag(code), "work_unit": unit, "low": -1e9, "high": 1e9},
        {"name": text_tag(code), "work_unit": unit, "value_type": "text"},
    ]
    return _birth("birth", code, tags, author, epoch)


def _birth(kind: str, code: str, tags: object, author: Author, epoch: str = "") -> Letter:
    said = {
        "schema": SCHEMA,
        "epoch": epoch or author.epoch(),
        "agent_version": "0",
        "sent_us": author.time_us(),
        "tags": tags,
    }
    return native(kind, edge(code), Leaf.BIRTH, dumped(said))


def batch(
    author: Author, code: str, rows: int, *, first: int = 1, epoch: str = ""
) -> dict[str, Any]:
    """A data message of numbers and texts, in which nothing is wrong."""
    values = [author.value() if k % 3 else author.text() for k in range(rows)]
    return {
        "schema": SCHEMA,
        "epoch": epoch or author.epoch(),
        "first_id": first,
        "last_id": first + rows - 1,
        "sent_us": author.time_us(),
        "tags": [number_tag(code), text_tag(code)],
        "tag": [0 if k % 3 else 1 for k in range(rows)],
        "time_us": [author.time_us() for _ in range(rows)],
        "value": values,
        "quality": [0] * rows,
    }


def data(kind: str, code: str, said: dict[str, Any], *, retain: bool = False) -> Letter:
    return native(kind, edge(code), Leaf.DATA, dumped(said), retain=retain)


def _of(author: Author) -> str:
    return author.one_of(EDGES)


def good(author: Author) -> list[Letter]:
    code, epoch = _of(author), author.epoch()
    sizes = [1 + author.below(20) for _ in range(5)]
    starts = [1 + sum(sizes[:k]) for k in range(5)]
    return [
        data("good data", code, batch(author, code, size, first=first, epoch=epoch))
        for size, first in zip(sizes, starts, strict=True)
    ]


def damaged_data(author: Author) -> list[Letter]:
    code = _of(author)
    choice = random.Random(author.below(2**32))
    letters = [data("damaged data", code, batch(author, code, 5)) for _ in range(20)]
    return [
        native("damaged data", edge(code), Leaf.DATA, damaged(letter.payload, choice))
        for letter in letters
    ]


def noise(author: Author) -> list[Letter]:
    leaves = [Leaf.DATA, Leaf.BIRTH, Leaf.STATUS]
    letters = []
    for _ in range(10):
        payload = author.random.bytes(author.below(200)) + str(author.number()).encode()
        topic = edge(_of(author)).topic(author.one_of(leaves))
        letters.append(Letter("noise", topic, payload))
    return letters


def odd_rows(author: Author) -> list[Letter]:
    letters = []
    for _ in range(10):
        code = _of(author)
        said = batch(author, code, 4)
        for column, odd in (("value", ODD_VALUES), ("time_us", ODD_TIMES), ("tag", (-1, 2, 2**31))):
            if author.below(2):
                said[column][author.below(4)] = author.one_of(odd)
        if not author.below(3):
            said["tags"][author.below(2)] = author.one_of(ODD_NAMES)
        if not author.below(3):
            said["quality"][author.below(4)] = author.one_of((3, -1, 2**40, 1, 2, None))
        letters.append(data("odd rows", code, said))
    return letters


def odd_ids(author: Author) -> list[Letter]:
    code = _of(author)
    starts = [0, -5, 2**62 - 3, 2**62 - 2, 2**62, 2**63, 2**64]
    changes: list[dict[str, Any]] = [{"first_id": k, "last_id": k + 3} for k in starts]
    far = 10 * author.number()
    changes += [
        {"last_id": 2},
        {"epoch": _FOUR_BYTES * 64, "first_id": far, "last_id": far + 3},
        {"epoch": "\0" + author.epoch()},
        {"schema": 2},
        {"first_id": 1.0},
    ]
    return [data("odd ids", code, batch(author, code, 4) | change) for change in changes]


def again(author: Author) -> list[Letter]:
    """The same ids again, with the same content, and overlapping ones."""
    code, epoch = _of(author), author.epoch()
    whole = batch(author, code, 20, epoch=epoch)
    columns = ("tag", "time_us", "value", "quality")
    half = {name: whole[name][5:15] for name in columns}
    half = whole | half | {"first_id": 6, "last_id": 15}
    more = batch(author, code, 10, first=21, epoch=epoch)
    joined = {name: whole[name][15:] + more[name] for name in columns}
    joined = whole | joined | {"first_id": 16, "last_id": 30}
    return [data("again", code, said) for said in (half, whole, whole, more, joined, half)]


def scattered(author: Author) -> list[Letter]:
    code, epoch = _of(author), author.epoch()
    ids = author.random.permutation(author.many(400)) * 2 + 1
    return [
        data("scattered ids", code, batch(author, code, 1, first=int(k), epoch=epoch)) for k in ids
    ]


def many_epochs(author: Author) -> list[Letter]:
    code = _of(author)
    return [data("many epochs", code, batch(author, code, 1)) for _ in range(author.many(300))]


def old_days(author: Author) -> list[Letter]:
    """A row a day back to 2000, as the replay of an archive brings them."""
    code, rows = _of(author), author.many(9_700)
    said = batch(author, code, rows)
    begin = _YEAR_2000_US + author.below(86_400) * 1_000_000
    said["time_us"] = [begin + k * _DAY_US for k in range(rows)]
    return [data("old days", code, said)]


def long_texts(author: Author) -> list[Letter]:
    code, rows = _of(author), author.many(1_200)
    said = batch(author, code, rows)
    said["tag"] = [1] * rows
    said["value"] = [author.text() + "ữ" * 3_980 for _ in range(rows)]
    return [data("long texts", code, said)]


def very_many_numbers(author: Author) -> list[Letter]:
    said = batch(author, _of(author), 2)
    said["value"] = [1] * author.many(1_900_000)
    return [data("very many numbers", EDGES[0], said)]


def deep(author: Author) -> list[Letter]:
    code, depth = _of(author), author.many(100_000)
    payload = dumped(batch(author, code, 1)).replace(
        b'"value": [', b'"value": [' + b"[" * depth + b"]" * depth + b","
    )
    return [Letter("deep", edge(code).topic(leaf), payload) for leaf in (Leaf.DATA, Leaf.STATUS)]


def odd_topics(author: Author) -> list[Letter]:
    letters = []
    for code in (_FOUR_BYTES * 1000, "x" * 5000, "A B", "", "..", "%00", "\u202e", "khong-co"):
        payload = dumped(batch(author, "x", 1))
        for leaf in (Leaf.DATA, Leaf.BIRTH, Leaf.STATUS):
            topic = f"nm/v1/{SITE}/{code}/{leaf}"
            said = payload + b" " * author.below(50) + str(author.number()).encode()
            letters.append(Letter("odd topic", topic, said))
    return letters


def odd_statuses(author: Author) -> list[Letter]:
    code = _of(author)
    plain = {"schema": SCHEMA, "online": True, "epoch": author.epoch(), "sent_us": author.time_us()}
    ranges = [[3 * k + 1, 3 * k + 2] for k in range(author.many(50_000))]
    odd: list[dict[str, Any]] = [
        {"dropped_ranges": ranges, "dropped": 2 * len(ranges), "issued_id": 2**61},
        {"dropped_ranges": [[5, 1], [0, 0], [-3, 7]]},
        {"dropped_ranges": [[1, 2**62]], "issued_id": 2**62},
        {"dropped_because": {"x" * 5000: [[1, 2]], "platform_set_back": [[2, 9]]}},
        {"unreachable": [f"{_FOUR_BYTES * 100}{k}" for k in range(2_000)]},
        {"unreachable": ["a\0b"], "refused": ["\0"]},
        {"issued_id": -1, "pending": -(2**62)},
        {"issued_id": 2**63, "pending": 2**64},
        {"buffer_hours_left": 1e308, "dropped": 2**62},
        {"sent_us": 2**62, "oldest_pending_us": -(2**62), "sampled_us": 2**62},
        {"epoch": _FOUR_BYTES * 64},
        {"config_version": 2**62, "config_error": "\0" * 100},
    ]
    picked = [odd[int(k)] for k in author.random.permutation(len(odd))[:5]]
    return [
        native("odd status", edge(code), Leaf.STATUS, dumped(plain | change)) for change in picked
    ]


def odd_births(author: Author) -> list[Letter]:
    code = _of(author)
    mine = f"{code}/{author.number()}"
    tag = {"name": mine, "work_unit": SAW}
    declared: list[Any] = [
        [tag | {"name": f"{mine}-{k}"} for k in range(author.many(5_000))],
        [tag | {"name": author.one_of(ODD_NAMES)}],
        [tag, tag | {"value_type": "text"}],
        [tag | {"name": f"{mine}a", "role": "state", "value_type": "number"}],
        [tag | {"work_unit": "that-tha/nha-may/xuong/day-chuyen/may"}],
        [tag | {"work_unit": f"{SITE}/{_FOUR_BYTES * 1000}"}],
        [tag | {"low": 5, "high": -5}, tag | {"low": -1e308, "counter_modulus": -1}],
        [tag | {"description": "\0" * 50, "unit": "x" * 100_000}],
        [tag | {"max_silence_s": 1e308, "max_rate_per_s": -1}],
        [{}],
        {"name": mine},
    ]
    picked = [declared[int(k)] for k in author.random.permutation(len(declared))[:4]]
    return [_birth("odd birth", code, tags, author) for tags in picked]


def retained(author: Author) -> list[Letter]:
    """Data are never retained by an honest edge; the next one takes this one's place."""
    code = _of(author)
    return [data("retained data", code, batch(author, code, 3), retain=True)]


def odd_one(author: Author, code: str, marker: int) -> list[Letter]:
    """The odd message: a row in every table that a message of an edge may write."""
    epoch = f"{author.epochs}-{marker}"
    tags = [
        {"name": number_tag(code), "work_unit": GRINDER, "description": str(marker)},
        {"name": text_tag(code), "work_unit": GRINDER, "value_type": "text", "role": "state"},
    ]
    said = batch(author, code, 4, epoch=epoch)
    said["value"][1] = marker + 0.0625
    said["value"][0] = f"chữ {marker}"
    # No tag is called that: a rejection of a row.
    said["tags"].append(f"{code}/{marker}")
    said["tag"][3] = 2
    status = {
        "schema": SCHEMA,
        "online": True,
        "epoch": epoch,
        "sent_us": author.time_us(),
        "issued_id": 4,
        "unreachable": [str(marker)],
    }
    return [
        _birth("odd one", code, tags, author, epoch),
        native("odd one", edge(code), Leaf.STATUS, dumped(status)),
        data("odd one", code, said),
        Letter("odd one", edge(code).topic(Leaf.DATA), f"no JSON {marker}".encode()),
    ]


def odd_flood(author: Author, code: str, marker: int) -> list[Letter]:
    """Many odd messages, of which some are of one life of the outbox and some of others."""
    letters = []
    epoch, first = author.epoch(), 1
    for _ in range(author.many(50)):
        apart = author.below(2)
        said = batch(author, code, 2, first=1 if apart else first, epoch="" if apart else epoch)
        first += 0 if apart else 2
        said["value"] = [f"chữ {marker} {author.number()}", marker + 0.0625]
        letters.append(data("odd flood", code, said))
    return letters


LIGHT: tuple[Making, ...] = (
    good, damaged_data, noise, odd_rows, odd_ids, again, odd_topics, odd_statuses, odd_births,
    retained,
)  # fmt: skip
HEAVY: tuple[Making, ...] = (
    old_days, long_texts, very_many_numbers, deep, scattered, many_epochs,
)  # fmt: skip
