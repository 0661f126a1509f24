-- Pages of keys; each statement yields the fields of a key as JSON.

-- part: in_scope
-- What lies at or below a place, or belongs to the enterprise that holds it.
(place.path = %(scope)s or starts_with(place.path, %(scope)s || '/')
    or place.path = split_part(%(scope)s, '/', 1))

-- part: page
-- One page of them.
offset %(skip)s limit %(limit)s

-- name: products_keys
select to_jsonb(found) from (
    select place.path as enterprise, product.code
    from product
    join place on place.place_id = product.enterprise_id
    where {in_scope}
    order by 1, 2
    {page}
) as found

-- name: planned_run_times_keys
select to_jsonb(found) from (
    select place.path as work_unit, product.code as product, planned.valid_from
    from planned_run_time planned
    join place on place.place_id = planned.work_unit_id
    join product on product.product_id = planned.product_id
    where {in_scope}
    order by 1, 2, 3
    {page}
) as found

-- name: routings_keys
select to_jsonb(found) from (
    select place.path as work_unit, product.code as product, step.valid_from
    from routing_step step
    join place on place.place_id = step.work_unit_id
    join product on product.product_id = step.product_id
    where {in_scope}
    order by 1, 2, 3
    {page}
) as found

-- name: orders_keys
select to_jsonb(found) from (
    select place.path as site, made.number
    from production_order made
    join place on place.place_id = made.site_id
    where {in_scope}
    order by 1, 2
    {page}
) as found

-- name: lots_keys
select to_jsonb(found) from (
    select place.path as site, lot.number
    from lot
    join place on place.place_id = lot.site_id
    where {in_scope}
    order by 1, 2
    {page}
) as found

-- name: order_runs_keys
select to_jsonb(found) from (
    select place.path as work_unit, run.started_at
    from order_run run
    join place on place.place_id = run.work_unit_id
    where {in_scope}
    order by 1, 2
    {page}
) as found

-- name: oee_targets_keys
select to_jsonb(found) from (
    select place.path as place, target.valid_from
    from oee_target target
    join place on place.place_id = target.place_id
    where {in_scope}
    order by 1, 2
    {page}
) as found

-- name: time_zones_keys
select to_jsonb(found) from (
    select place.path as site
    from place
    where {in_scope}
    and place.time_zone is not null
    order by 1
    {page}
) as found

-- name: shifts_keys
select to_jsonb(found) from (
    select place.path as site, pattern.name, pattern.valid_from
    from shift_pattern pattern
    join place on place.place_id = pattern.site_id
    where {in_scope}
    order by 1, 2, 3
    {page}
) as found

-- name: rotations_keys
select to_jsonb(found) from (
    select place.path as site, rotation.name, rotation.valid_from
    from shift_rotation rotation
    join place on place.place_id = rotation.site_id
    where {in_scope}
    order by 1, 2, 3
    {page}
) as found

-- name: holidays_keys
select to_jsonb(found) from (
    select place.path as site, holiday.day
    from holiday
    join place on place.place_id = holiday.site_id
    where {in_scope}
    order by 1, 2
    {page}
) as found

-- name: planned_maintenance_keys
select to_jsonb(found) from (
    select place.path as site, planned.number
    from planned_maintenance planned
    join place on place.place_id = planned.site_id
    where {in_scope}
    order by 1, 2
    {page}
) as found

-- name: stop_reasons_keys
select to_jsonb(found) from (
    select place.path as enterprise, reason.code
    from stop_reason reason
    join place on place.place_id = reason.enterprise_id
    where {in_scope}
    order by 1, 2
    {page}
) as found

-- name: scrap_reasons_keys
select to_jsonb(found) from (
    select place.path as enterprise, reason.code
    from quality_reason reason
    join place on place.place_id = reason.enterprise_id and reason.outcome = 'scrap'
    where {in_scope}
    order by 1, 2
    {page}
) as found

-- name: rework_reasons_keys
select to_jsonb(found) from (
    select place.path as enterprise, reason.code
    from quality_reason reason
    join place on place.place_id = reason.enterprise_id and reason.outcome = 'rework'
    where {in_scope}
    order by 1, 2
    {page}
) as found

-- name: inspections_keys
select to_jsonb(found) from (
    select place.path as site, made.number
    from inspection made
    join place on place.place_id = made.site_id
    where {in_scope}
    order by 1, 2
    {page}
) as found

-- name: scrap_bookings_keys
select to_jsonb(found) from (
    select place.path as site, made.number
    from scrap_booking made
    join place on place.place_id = made.site_id
    where {in_scope}
    order by 1, 2
    {page}
) as found

-- name: energy_meters_keys
select to_jsonb(found) from (
    select place.path as site, meter.code, meter.valid_from
    from energy_meter meter
    join place on place.place_id = meter.site_id
    where {in_scope}
    order by 1, 2, 3
    {page}
) as found
