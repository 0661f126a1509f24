-- What counters showed that is no plain growth, what was made of it, and what people say of it.

-- Kept by analytics from the measurements; see analytics.counter.
create table counter_judgement (
    work_unit_id integer not null references place,
    source_time timestamptz not null,
    tag_id integer not null references tag,
    -- jitter, wrapped, reset, restored, corrected, implausible, returned, undecided.
    event text not null,
    -- In the unit of the counter: the level it is compared with, what it showed, what was counted.
    level double precision not null,
    shown double precision not null,
    counted double precision not null,
    -- By how much another reading of the same rules differs.
    doubt double precision not null,
    -- The reading that told what follows; null while there is none in time.
    next_time timestamptz,
    primary key (work_unit_id, source_time, tag_id)
);

-- What a person says of a reading of a counter, append-only: of several the last one holds, and
-- `rules` takes it back. The audit trail of a correction: it is never deleted.
create table counter_verdict (
    verdict_id bigint generated always as identity primary key,
    tag_id integer not null references tag,
    source_time timestamptz not null,
    verdict text not null
        check (verdict in ('ignore', 'count', 'reset', 'wrap', 'nothing', 'rules')),
    comment text not null default '',
    -- What the person is, such as `engineer`; never who.
    role text not null,
    -- Given by the page, so that a repeated request is one verdict.
    client_id uuid not null unique,
    said_at timestamptz not null
);

create index counter_verdict_tag on counter_verdict (tag_id, source_time);

-- Counters are read by other rules now: every hour is computed again.
insert into dirty_window (work_unit_id, hour, marked_at, cause)
select distinct work_unit_id, hour, now(), 'formula'
from base_sum
on conflict (work_unit_id, hour) do update set
    revision = dirty_window.revision + 1, marked_at = excluded.marked_at, cause = excluded.cause;
