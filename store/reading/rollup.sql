-- name: try_lock
-- One at a time; held until the session ends.
select pg_try_advisory_lock(7461010)

-- name: unmarked
-- Tags with rows before the first hour or after the last hour of their rollups that nothing marks:
-- who loads rows by SQL of his own marks nothing.
select tag.tag_id, raw.first_time, raw.last_time, rolled.first_time, rolled.last_time
from tag
cross join lateral (
    select
        (
            select source_time from measurement m
            where m.tag_id = tag.tag_id order by source_time limit 1
        ) as first_time,
        (
            select source_time from measurement m
            where m.tag_id = tag.tag_id order by source_time desc limit 1
        ) as last_time
) raw
cross join lateral (
    select
        (
            select r.start_time from measurement_rollup r
            where r.tag_id = tag.tag_id and r.width_s = 3600 order by r.start_time limit 1
        ) as first_time,
        (
            select r.start_time from measurement_rollup r
            where r.tag_id = tag.tag_id and r.width_s = 3600 order by r.start_time desc limit 1
        ) as last_time
) rolled
where
    tag.value_type = 'number' and raw.first_time is not null
    and (
        rolled.first_time is null or raw.first_time < rolled.first_time
        or raw.last_time >= rolled.last_time + interval '1 hour'
    )

-- name: mark_hours
-- Every hour from one moment to another, of one tag; what is marked already stays as it is.
insert into rollup_mark (hour, block, tags)
select hour, %(tag)s::integer >> 6, 1::bigint << (%(tag)s::integer & 63)
from generate_series(
    date_bin('1 hour', %(first)s::timestamptz, timestamptz '2000-01-01 00:00:00+00'),
    %(last)s::timestamptz, interval '1 hour'
) as hour
order by hour
on conflict (hour, block) do update set
    tags = rollup_mark.tags | excluded.tags, revision = rollup_mark.revision + 1
where rollup_mark.tags & excluded.tags = 0

-- name: marks
-- What waits and has been quiet for a while, or has waited long, oldest hours first: an hour to which
-- rows are still being added is summed up once, not with each of them.
select hour, block, tags, revision
from rollup_mark
where marked_at <= now() - %(quiet)s::interval or since <= now() - %(patience)s::interval
order by hour, block
limit %(limit)s

-- name: forget
-- The hours are summed up anew.
delete from measurement_rollup r
using unnest(%(tags)s::integer[], %(hours)s::timestamptz[]) as asked (tag_id, hour)
where
    r.tag_id = asked.tag_id and r.start_time >= asked.hour
    and r.start_time < asked.hour + interval '1 hour'

-- name: sum_up
-- Cells of five minutes from the rows, the hour from its cells. The bounds of all of it spare looking
-- into parts of the table that cannot hold any.
with cell as (
    select
        asked.tag_id, asked.hour, found.*
    from unnest(%(tags)s::integer[], %(hours)s::timestamptz[]) as asked (tag_id, hour)
    cross join lateral (
        select
            date_bin('5 minutes', m.source_time, asked.hour) as start_time,
            count(*)::integer as samples,
            avg(m.value) as mean,
            min(array[m.value, extract(epoch from m.source_time)::float8]) as low,
            max(array[m.value, -extract(epoch from m.source_time)::float8]) as high,
            min(array[extract(epoch from m.source_time)::float8, m.value]) as first,
            max(array[extract(epoch from m.source_time)::float8, m.value]) as last
        from measurement m
        where
            m.tag_id = asked.tag_id and m.quality = 0 and m.value <> 'NaN'
            and m.source_time >= asked.hour and m.source_time < asked.hour + interval '1 hour'
            and m.source_time >= %(first)s and m.source_time < %(last)s
        group by 1
    ) found
),
both_widths as (
    select tag_id, 300 as width_s, start_time, samples, mean, low, high, first, last from cell
    union all
    select
        tag_id, 3600, hour, sum(samples)::integer, sum(mean * samples) / sum(samples),
        min(low), max(high), min(first), max(last)
    from cell
    group by tag_id, hour
)
insert into measurement_rollup (
    tag_id, width_s, start_time, samples, mean, low, low_time, high, high_time,
    first_value, first_time, last_value, last_time
)
select
    tag_id, width_s, start_time, samples, mean,
    low[1], to_timestamp(low[2]), high[1], to_timestamp(-high[2]),
    first[2], to_timestamp(first[1]), last[2], to_timestamp(last[1])
from both_widths

-- name: done
-- Only marks that nobody made again in the meantime.
delete from rollup_mark m
using unnest(
    %(hours)s::timestamptz[], %(blocks)s::integer[], %(revisions)s::bigint[]
) as done (hour, block, revision)
where m.hour = done.hour and m.block = done.block and m.revision = done.revision

-- name: extent
-- From when until when a tag is summed up; nulls where it is not.
select
    (
        select start_time from measurement_rollup
        where tag_id = %(tag)s and width_s = 3600 order by start_time limit 1
    ),
    (
        select start_time + interval '1 hour' from measurement_rollup
        where tag_id = %(tag)s and width_s = 3600 order by start_time desc limit 1
    )

-- name: pending
-- Hours of a tag that are not summed up, or not any more.
select hour from rollup_pending
where tag_id = %(tag)s and hour > %(start)s::timestamptz - interval '1 hour' and hour < %(end)s
order by hour

-- name: count
-- How many rows the rollups of a window stand for.
select coalesce(sum(samples), 0)::bigint from measurement_rollup
where
    tag_id = %(tag)s and width_s = 3600
    and start_time > %(start)s::timestamptz - interval '1 hour' and start_time < %(end)s

-- name: cells
-- Cells of a window but those of hours that are to be left out; one array per column.
select
    coalesce(array_agg(start_time), '{}'), coalesce(array_agg(samples), '{}'),
    coalesce(array_agg(mean), '{}'), coalesce(array_agg(low), '{}'),
    coalesce(array_agg(low_time), '{}'), coalesce(array_agg(high), '{}'),
    coalesce(array_agg(high_time), '{}'), coalesce(array_agg(first_value), '{}'),
    coalesce(array_agg(first_time), '{}'), coalesce(array_agg(last_value), '{}'),
    coalesce(array_agg(last_time), '{}')
from (
    select * from measurement_rollup
    where
        tag_id = %(tag)s and width_s = %(width_s)s
        and start_time >= %(start)s and start_time < %(end)s
        and not date_bin('1 hour', start_time, timestamptz '2000-01-01 00:00:00+00')
            = any(%(pending)s::timestamptz[])
    order by start_time
) cell

-- name: cells_of_rows
-- The same of rows, in bins of a width counted from the turn of the century.
select
    coalesce(array_agg(start_time), '{}'), coalesce(array_agg(samples), '{}'),
    coalesce(array_agg(mean), '{}'), coalesce(array_agg(low[1]), '{}'),
    coalesce(array_agg(to_timestamp(low[2])), '{}'), coalesce(array_agg(high[1]), '{}'),
    coalesce(array_agg(to_timestamp(-high[2])), '{}'), coalesce(array_agg(first[2]), '{}'),
    coalesce(array_agg(to_timestamp(first[1])), '{}'), coalesce(array_agg(last[2]), '{}'),
    coalesce(array_agg(to_timestamp(last[1])), '{}')
from (
    select
        date_bin(
            make_interval(secs => %(width_s)s), source_time, timestamptz '2000-01-01 00:00:00+00'
        ) as start_time,
        count(*)::integer as samples,
        avg(value) as mean,
        min(array[value, extract(epoch from source_time)::float8]) as low,
        max(array[value, -extract(epoch from source_time)::float8]) as high,
        min(array[extract(epoch from source_time)::float8, value]) as first,
        max(array[extract(epoch from source_time)::float8, value]) as last
    from measurement
    where
        tag_id = %(tag)s and quality = 0 and value <> 'NaN'
        and source_time >= %(start)s and source_time < %(end)s
    group by 1
    order by 1
) cell

-- name: rows
-- Good values of a window in time order, one array per column.
select coalesce(array_agg(source_time), '{}'), coalesce(array_agg(value), '{}')
from (
    select source_time, value from measurement
    where
        tag_id = %(tag)s and quality = 0 and value <> 'NaN'
        and source_time >= %(start)s and source_time < %(end)s
    order by source_time
    limit %(limit)s
) good
