-- name: number_extent
-- First and last source time of number tags, each sought on one side of a moment: bounds known when
-- the query is planned leave the other chunks of a hypertable alone.
select
    asked.tag_id,
    (
        select source_time from measurement
        where tag_id = asked.tag_id and source_time < %(first_before)s
        order by source_time limit 1
    ),
    (
        select source_time from measurement
        where tag_id = asked.tag_id and source_time >= %(last_from)s
        order by source_time desc limit 1
    )
from unnest(%(tags)s::integer[]) as asked (tag_id)

-- name: text_extent
-- First and last source time of text tags; see number_extent.
select
    asked.tag_id,
    (
        select source_time from text_measurement
        where tag_id = asked.tag_id and source_time < %(first_before)s
        order by source_time limit 1
    ),
    (
        select source_time from text_measurement
        where tag_id = asked.tag_id and source_time >= %(last_from)s
        order by source_time desc limit 1
    )
from unnest(%(tags)s::integer[]) as asked (tag_id)

-- name: next_numbers
-- The first usable reading of each number tag at or after each moment, sought up to `latest`:
-- bounds known when the query is planned leave most chunks of a hypertable alone.
select asked.tag_id, asked.moment, (
    select source_time from measurement
    where tag_id = asked.tag_id and source_time >= asked.moment and quality < 2
        and source_time >= %(earliest)s and source_time < %(latest)s
    order by source_time limit 1
)
from unnest(%(tags)s::integer[], %(moments)s::timestamptz[]) as asked (tag_id, moment)

-- name: next_texts
-- The first usable reading of each text tag at or after each moment; see next_numbers.
select asked.tag_id, asked.moment, (
    select source_time from text_measurement
    where tag_id = asked.tag_id and source_time >= asked.moment and quality < 2
        and source_time >= %(earliest)s and source_time < %(latest)s
    order by source_time limit 1
)
from unnest(%(tags)s::integer[], %(moments)s::timestamptz[]) as asked (tag_id, moment)

-- name: last_numbers
-- The last usable reading of each number tag before an hour, sought back to `earliest`.
select asked.tag_id, (
    select source_time from measurement
    where tag_id = asked.tag_id and source_time < %(start)s and source_time >= %(earliest)s
        and quality < 2 and value is not null
    order by source_time desc limit 1
)
from unnest(%(tags)s::integer[]) as asked (tag_id)

-- name: numbers
-- Usable readings from a moment of each tag to the end of a window and the next one, one array per
-- column.
select
    coalesce(array_agg(reading.tag_id), '{}'), coalesce(array_agg(reading.source_time), '{}'),
    coalesce(array_agg(reading.value), '{}'), coalesce(array_agg(reading.quality), '{}')
from (
    select reading.tag_id, reading.source_time, reading.value, reading.quality
    from unnest(%(tags)s::integer[], %(froms)s::timestamptz[]) as asked (tag_id, from_time)
    join measurement reading on reading.tag_id = asked.tag_id
    where reading.source_time >= asked.from_time and reading.source_time >= %(earliest)s
        and reading.source_time < %(end)s and reading.quality < 2 and reading.value is not null
    union all
    select following.*
    from unnest(%(tags)s::integer[]) as asked (tag_id)
    cross join lateral (
        select tag_id, source_time, value, quality
        from measurement
        where tag_id = asked.tag_id and source_time >= %(end)s and source_time < %(ahead)s
            and quality < 2 and value is not null
        order by source_time, quality, value desc
        limit 1
    ) following
) reading

-- name: texts
-- Readings of a window with the last one and the last usable one before it, and the next one. Of several readings
-- of one moment the best, then the greatest counts. What precedes is sought back to `earliest`.
select asked.tag_id, reading.time_us, reading.value, reading.quality
from unnest(%(tags)s::integer[]) as asked (tag_id)
cross join lateral (
    (
        select (extract(epoch from source_time) * 1000000)::bigint as time_us, value, quality
        from text_measurement
        where tag_id = asked.tag_id and source_time < %(start)s and source_time >= %(earliest)s
        order by source_time desc, quality, value collate "C" desc nulls last
        limit 1
    )
    union all
    (
        select (extract(epoch from source_time) * 1000000)::bigint, value, quality
        from text_measurement
        where tag_id = asked.tag_id and source_time < %(start)s and source_time >= %(earliest)s
            and quality < 2
        order by source_time desc, quality, value collate "C" desc nulls last
        limit 1
    )
    union all
    (
        select (extract(epoch from source_time) * 1000000)::bigint, value, quality
        from text_measurement
        where tag_id = asked.tag_id and source_time >= %(start)s and source_time < %(end)s
    )
    union all
    (
        select (extract(epoch from source_time) * 1000000)::bigint, value, quality
        from text_measurement
        where tag_id = asked.tag_id and source_time >= %(end)s and source_time < %(ahead)s
            and quality < 2
        order by source_time, quality, value collate "C" desc nulls last
        limit 1
    )
) reading

-- name: last_telling
-- The last usable reading of state tags before a moment that tells whether a breakdown is open: by a
-- name of the machine, or by a standard one that it does not use for something else. Sought back to
-- `earliest`.
select asked.tag_id, (extract(epoch from reading.source_time) * 1000000)::bigint, reading.value
from unnest(%(tags)s::integer[]) as asked (tag_id)
cross join lateral (
    select source_time, value
    from text_measurement
    where tag_id = asked.tag_id and source_time < %(start)s and source_time >= %(earliest)s
        and quality < 2 and value is not null
        and (
            value = any(%(own)s::text[])
            or (upper(btrim(value)) = any(%(standard)s::text[]) and value <> all(%(mapped)s::text[]))
        )
    order by source_time desc, quality, value collate "C" desc
    limit 1
) reading

-- name: next_telling
-- The first such reading from a moment on, sought up to `latest`; see last_telling.
select asked.tag_id, reading.source_time
from unnest(%(tags)s::integer[]) as asked (tag_id)
cross join lateral (
    select source_time
    from text_measurement
    where tag_id = asked.tag_id and source_time >= %(start)s and source_time < %(latest)s
        and quality < 2 and value is not null
        and (
            value = any(%(own)s::text[])
            or (upper(btrim(value)) = any(%(standard)s::text[]) and value <> all(%(mapped)s::text[]))
        )
    order by source_time
    limit 1
) reading
