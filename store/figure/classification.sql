-- name: lock_stops
-- Whoever rewrites the stops of a work unit and whoever classifies one wait for each other.
select pg_advisory_xact_lock(7461016, %(unit)s)

-- name: reason_known
-- Whether the work unit's enterprise has a stop reason of that code.
select exists (
    select 1
    from stop_reason r
    join place enterprise on enterprise.place_id = r.enterprise_id
    join place unit on split_part(unit.path, '/', 1) = enterprise.path
    where unit.place_id = %(unit)s and r.code = %(reason)s
)

-- name: insert_classification
-- The stop as it stands says until when it is classified; one still open, until now.
insert into stop_classification (
    work_unit_id, stop_start, reason_code, comment, role, client_id, classified_at, stop_end
)
select
    %(unit)s, %(stop_start)s, %(reason)s, %(comment)s, %(role)s, %(client_id)s, %(classified_at)s,
    (
        select greatest(
            coalesce(end_time, %(classified_at)s), %(stop_start)s + interval '1 millisecond'
        )
        from stop
        where work_unit_id = %(unit)s and start_time <= %(stop_start)s
            and (start_time = %(stop_start)s or %(divides)s)
            and (end_time is null or end_time > %(stop_start)s)
        order by start_time desc
        limit 1
    )
on conflict (client_id) do nothing
returning classification_id

-- name: find_classification
-- What an earlier request of the same client id said.
select classification_id, work_unit_id, stop_start, reason_code
from stop_classification
where client_id = %(client_id)s

-- name: apply_classifications
-- Gives stops that begin in a span their reason. Of several classifications whose time overlaps a
-- stop the latest holds (the greater id among equals), so a stop made of two keeps the later word
-- and each part of a stop that fell apart keeps the word for the whole.
update stop
set
    classification_id = said.classification_id,
    stop_reason = coalesce(said.reason_code, stop.machine_reason)
from stop as own
left join lateral (
    select c.classification_id, c.reason_code
    from stop_classification c
    where
        c.work_unit_id = own.work_unit_id
        and c.stop_start < coalesce(own.end_time, 'infinity')
        and coalesce(c.stop_end, c.stop_start + interval '1 millisecond') > own.start_time
        -- What was said of the second half of a stop is not said of the first.
        and not (own.start_time < c.stop_start and exists (
            select from stop_division d
            where d.work_unit_id = c.work_unit_id and d.moment = c.stop_start and d.kind = 'split'
        ))
    order by c.classified_at desc, c.classification_id desc
    limit 1
) said on true
where
    own.work_unit_id = %(unit)s and own.start_time >= %(start)s and own.start_time < %(end)s
    and stop.work_unit_id = own.work_unit_id and stop.start_time = own.start_time
    and (stop.classification_id, stop.stop_reason)
        is distinct from (said.classification_id, coalesce(said.reason_code, stop.machine_reason))

-- name: holding
-- The stop that a classification holds for now.
select start_time
from stop
where work_unit_id = %(unit)s and classification_id = %(classification)s
order by start_time
limit 1

-- name: touched_span
-- The stops that a moment and a classification from it may touch.
select
    coalesce(min(start_time), %(stop_start)s),
    coalesce(max(start_time), %(stop_start)s) + interval '1 millisecond'
from stop
where
    work_unit_id = %(unit)s
    and start_time < coalesce(
        (select stop_end from stop_classification where classification_id = %(classification)s),
        %(stop_start)s + interval '1 millisecond'
    )
    and (end_time is null or end_time > %(stop_start)s)

-- name: unclassified_stops
-- Stops while executing an order that have no reason yet, newest first; `end` is null while a
-- stop lasts.
select
    p.path as place, s.start_time as start, s.end_time as end, s.element, s.state, s.stop_kind
from stop s
join place p on p.place_id = s.work_unit_id
where
    s.work_unit_id = any(%(units)s) and s.element = 'delay'
    and coalesce(s.stop_reason, '') = ''
    and s.start_time < %(end)s and (s.end_time is null or s.end_time > %(start)s)
    and coalesce(s.end_time, greatest(%(now)s, s.start_time)) - s.start_time >= %(at_least)s
order by s.start_time desc, p.path
limit %(limit)s

-- name: holder
-- The stop that a moment lies in: its beginning, and whether a person has given it a reason.
select start_time, classification_id is not null
from stop
where work_unit_id = %(unit)s and start_time <= %(moment)s
    and (end_time is null or end_time > %(moment)s)
order by start_time desc
limit 1

-- name: stop_before
-- The end of the last stop before the one that begins at a moment; no row where none begins there.
select (
    select before.end_time from stop before
    where before.work_unit_id = own.work_unit_id and before.start_time < own.start_time
    order by before.start_time desc
    limit 1
)
from stop own
where own.work_unit_id = %(unit)s and own.start_time = %(moment)s

-- name: insert_division
insert into stop_division (work_unit_id, moment, kind, role, client_id, said_at)
values (%(unit)s, %(moment)s, %(kind)s, %(role)s, %(client_id)s, %(said_at)s)
on conflict (client_id) do nothing
returning division_id

-- name: mark_stop_dirty
-- Stops are derived again from the hour in which one is divided or joined.
insert into dirty_window (work_unit_id, hour, marked_at, cause)
values (
    %(unit)s, date_bin('1 hour', %(moment)s, timestamptz '1970-01-01 00:00:00+00'), %(said_at)s,
    'correction'
)
on conflict (work_unit_id, hour) do update set
    revision = dirty_window.revision + 1, marked_at = excluded.marked_at, cause = excluded.cause
