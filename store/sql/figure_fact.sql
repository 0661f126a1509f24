-- name: share_master_data
-- Held for one pass: master data that change meanwhile are marked after it; see store.mes.
select pg_advisory_lock_shared(7461005)

-- name: release_master_data
-- After share_master_data.
select pg_advisory_unlock_shared(7461005)

-- name: planned_maintenance
-- Maintenance of a machine, or of a place that holds it, that overlaps a window.
select planned.start_time, planned.end_time
from planned_maintenance planned
join place on place.place_id = planned.place_id
where (place.path = %(unit)s or starts_with(%(unit)s, place.path || '/'))
    and planned.start_time < %(end)s and planned.end_time > %(start)s
order by planned.start_time, planned.end_time

-- name: scrap_bookings
-- What turned out to be scrap or rework of the parts made in a window.
select produced_at, outcome, quantity
from scrap_booking
where work_unit_id = %(unit)s and produced_at >= %(start)s and produced_at < %(end)s
order by produced_at, number
