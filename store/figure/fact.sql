-- name: share_master_data
-- Held for one pass: master data that change meanwhile are marked after it; see store.mes.
select pg_advisory_lock_shared(7461005)

-- name: release_master_data
-- After share_master_data.
select pg_advisory_unlock_shared(7461005)

-- name: unit_facts
-- What an MES knows of a machine in a window: maintenance of it or of a place that holds it, what
-- turned out to be scrap or rework, first inspections of parts with a serial number, and orders
-- executed with the one before. One question, as it is asked for every repair.
select
    'maintenance', planned.start_time as first, planned.end_time, null, null, null, null, null
from planned_maintenance planned
join place on place.place_id = planned.place_id
where (place.path = %(path)s or starts_with(%(path)s, place.path || '/'))
    and planned.start_time < %(end)s and planned.end_time > %(start)s
union all
select 'booking', produced_at, null, outcome, null, null, quantity, number
from scrap_booking
where work_unit_id = %(unit)s and produced_at >= %(start)s and produced_at < %(end)s
union all
select
    'inspection', coalesce(made.produced_at, made.inspected_at), null, made.result, null, null,
    made.attempt, made.number
from inspection made
where made.work_unit_id = %(unit)s and made.serial_number is not null
    and coalesce(made.produced_at, made.inspected_at) >= %(start)s
    and coalesce(made.produced_at, made.inspected_at) < %(end)s
    and not exists (
        select from inspection earlier
        where earlier.work_unit_id = made.work_unit_id
            and earlier.serial_number = made.serial_number
            and (earlier.attempt, earlier.inspected_at, earlier.number)
                < (made.attempt, made.inspected_at, made.number)
    )
union all
(
    select
        'run', run.started_at, run.ended_at, run.order_number, product.code, run.lot_number, null,
        null
    from order_run run
    left join product using (product_id)
    where run.work_unit_id = %(unit)s and run.started_at < %(end)s
        and run.started_at >= coalesce((
            select max(started_at) from order_run
            where work_unit_id = %(unit)s and started_at <= %(start)s
        ), %(start)s)
)
order by 1, 2, 3, 8
