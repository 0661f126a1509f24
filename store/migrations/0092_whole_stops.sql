-- One definition of a stop: planned time within it is no part of it, and people may divide and join
-- stops. Repairs in working time.

alter table stop
    -- Planned time within the stop, in milliseconds: no part of how long it lasted.
    add column paused_ms bigint not null default 0;

alter table failure
    -- Planned busy time within the failure, in milliseconds, so far.
    add column worked_ms bigint not null default 0;

-- Where people divided a stop in two, or joined the stop that begins there to the one before it.
-- Append-only: of several rows of one moment the last one holds, and `none` takes it back.
create table stop_division (
    division_id bigint generated always as identity primary key,
    work_unit_id integer not null references place,
    moment timestamptz not null,
    kind text not null check (kind in ('split', 'merge', 'none')),
    -- What the person was, never who.
    role text not null,
    client_id uuid not null unique,
    said_at timestamptz not null
);

create index stop_division_unit on stop_division (work_unit_id, moment);

insert into dirty_window (work_unit_id, hour, marked_at, cause)
select distinct work_unit_id, hour, now(), 'formula'
from base_sum
on conflict (work_unit_id, hour) do update set
    revision = dirty_window.revision + 1, marked_at = excluded.marked_at, cause = excluded.cause;
