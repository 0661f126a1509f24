-- What an MES says and figures use: orders executed on machines, first inspections, cycles of
-- operations, shares of meters, targets.

-- Late scrap and rework are documents (scrap_booking): corrected and withdrawn like all others.
drop table quantity_correction;

-- An order on a machine: the run that began last holds until its own end.
create table order_run (
    work_unit_id integer not null references place,
    started_at timestamptz not null,
    ended_at timestamptz check (ended_at > started_at),
    order_number text not null,
    -- Null where the order says it.
    product_id integer references product,
    lot_number text,
    primary key (work_unit_id, started_at)
);

alter table oee_policy
    -- Whose order counts where both the machine and the MES tell one.
    add column order_from text not null default 'machine' check (order_from in ('machine', 'mes'));

alter table routing_step
    -- Parts that one count of the machine's counters is: cavities, or less than 1.
    add column parts_per_cycle double precision not null default 1 check (parts_per_cycle > 0),
    -- Planned time of one cycle, where planned_run_time says nothing.
    add column seconds double precision check (seconds > 0);

alter table energy_meter
    add column reading text not null default 'cumulative'
        check (reading in ('cumulative', 'power')),
    -- Weights by the path of a machine; equal ones where it is empty.
    add column shares jsonb not null default '{}';

-- Share of planned run time that a place is to reach as good parts.
create table oee_target (
    place_id integer not null references place,
    valid_from timestamptz not null,
    valid_to timestamptz check (valid_to > valid_from),
    planned_oee double precision not null check (planned_oee > 0 and planned_oee <= 1),
    primary key (place_id, valid_from)
);

create index inspection_part on inspection (work_unit_id, serial_number, attempt, inspected_at)
    where serial_number is not null;

-- The moment that an inspection counts at.
create index inspection_made on inspection (work_unit_id, (coalesce(produced_at, inspected_at)))
    where serial_number is not null;

alter table base_sum
    add column lot_number text,
    -- Of parts with a serial number, by their first inspection at the machine.
    add column inspected_parts integer not null default 0,
    add column good_at_first_parts integer not null default 0,
    add column rework_found_parts integer not null default 0;

create index base_sum_lot on base_sum (work_unit_id, lot_number) where lot_number is not null;

alter table oee_result
    add column inspected_parts integer not null default 0,
    add column good_at_first_parts integer not null default 0;

-- What documents said before now counts: older rows are computed again.
insert into dirty_window (work_unit_id, hour, marked_at, cause)
select distinct work_unit_id, hour, now(), 'formula'
from base_sum
on conflict (work_unit_id, hour) do update set
    revision = dirty_window.revision + 1, marked_at = excluded.marked_at, cause = excluded.cause;
