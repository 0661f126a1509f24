-- Numbers summed up in cells of time, so that a year of a signal is drawn without its raw rows.

-- Good values only, where there are any. Both widths of an hour are written together.
create table measurement_rollup (
    tag_id integer not null,
    width_s integer not null check (width_s in (300, 3600)),
    start_time timestamptz not null,
    samples integer not null check (samples > 0),
    mean double precision not null,
    low double precision not null,
    low_time timestamptz not null,
    high double precision not null,
    high_time timestamptz not null,
    first_value double precision not null,
    first_time timestamptz not null,
    last_value double precision not null,
    last_time timestamptz not null,
    primary key (tag_id, width_s, start_time)
);

-- Hours in which rows came that no rollup has seen. Written in the transaction of those rows; taken
-- away only if `revision` is still the one that was read. A row stands for 64 tags, a bit each, so
-- that a delivery of a thousand tags marks some twenty rows.
create table rollup_mark (
    hour timestamptz not null,
    block integer not null,
    tags bigint not null,
    revision bigint not null default 1,
    marked_at timestamptz not null default clock_timestamp(),
    since timestamptz not null default clock_timestamp(),
    primary key (hour, block)
) with (fillfactor = 50);

-- What waits, tag by tag.
create view rollup_pending as
select tag.tag_id, mark.hour
from rollup_mark mark
join tag on tag.tag_id >> 6 = mark.block and (mark.tags >> (tag.tag_id & 63)) & 1 = 1;

-- What is stored already, from the first hour of each tag to its last one.
insert into rollup_mark (hour, block, tags)
select hour, known.tag_id >> 6, bit_or(1::bigint << (known.tag_id & 63))
from (
    select
        tag.tag_id,
        (
            select source_time from measurement m
            where m.tag_id = tag.tag_id order by source_time limit 1
        ) as first_time,
        (
            select source_time from measurement m
            where m.tag_id = tag.tag_id order by source_time desc limit 1
        ) as last_time
    from tag
    where tag.value_type = 'number'
) known
cross join lateral generate_series(
    date_bin('1 hour', known.first_time, timestamptz '2000-01-01 00:00:00+00'),
    known.last_time, interval '1 hour'
) as hour
where known.first_time is not null
group by 1, 2;
