-- name: products_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select enterprise.path as enterprise, product.code
    from product
    join place enterprise on enterprise.place_id = product.enterprise_id
    where (enterprise.path = %(scope)s or starts_with(enterprise.path, %(scope)s || '/')
        or enterprise.path = split_part(%(scope)s, '/', 1))
    order by 1, 2
    offset %(skip)s limit %(limit)s
) as found

-- name: planned_run_times_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select unit.path as work_unit, product.code as product, planned.valid_from
    from planned_run_time planned
    join place unit on unit.place_id = planned.work_unit_id
    join product on product.product_id = planned.product_id
    where (unit.path = %(scope)s or starts_with(unit.path, %(scope)s || '/')
        or unit.path = split_part(%(scope)s, '/', 1))
    order by 1, 2, 3
    offset %(skip)s limit %(limit)s
) as found

-- name: routings_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select unit.path as work_unit, product.code as product, step.valid_from
    from routing_step step
    join place unit on unit.place_id = step.work_unit_id
    join product on product.product_id = step.product_id
    where (unit.path = %(scope)s or starts_with(unit.path, %(scope)s || '/')
        or unit.path = split_part(%(scope)s, '/', 1))
    order by 1, 2, 3
    offset %(skip)s limit %(limit)s
) as found

-- name: orders_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select site.path as site, made.number
    from production_order made
    join place site on site.place_id = made.site_id
    where (site.path = %(scope)s or starts_with(site.path, %(scope)s || '/')
        or site.path = split_part(%(scope)s, '/', 1))
    order by 1, 2
    offset %(skip)s limit %(limit)s
) as found

-- name: lots_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select site.path as site, lot.number
    from lot
    join place site on site.place_id = lot.site_id
    where (site.path = %(scope)s or starts_with(site.path, %(scope)s || '/')
        or site.path = split_part(%(scope)s, '/', 1))
    order by 1, 2
    offset %(skip)s limit %(limit)s
) as found

-- name: order_runs_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select unit.path as work_unit, run.started_at
    from order_run run
    join place unit on unit.place_id = run.work_unit_id
    where (unit.path = %(scope)s or starts_with(unit.path, %(scope)s || '/')
        or unit.path = split_part(%(scope)s, '/', 1))
    order by 1, 2
    offset %(skip)s limit %(limit)s
) as found

-- name: oee_targets_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select meant.path as place, target.valid_from
    from oee_target target
    join place meant on meant.place_id = target.place_id
    where (meant.path = %(scope)s or starts_with(meant.path, %(scope)s || '/')
        or meant.path = split_part(%(scope)s, '/', 1))
    order by 1, 2
    offset %(skip)s limit %(limit)s
) as found

-- name: time_zones_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select site.path as site
    from place site
    where (site.path = %(scope)s or starts_with(site.path, %(scope)s || '/')
        or site.path = split_part(%(scope)s, '/', 1))
    and site.time_zone is not null
    order by 1
    offset %(skip)s limit %(limit)s
) as found

-- name: shifts_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select site.path as site, pattern.name, pattern.valid_from
    from shift_pattern pattern
    join place site on site.place_id = pattern.site_id
    where (site.path = %(scope)s or starts_with(site.path, %(scope)s || '/')
        or site.path = split_part(%(scope)s, '/', 1))
    order by 1, 2, 3
    offset %(skip)s limit %(limit)s
) as found

-- name: rotations_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select site.path as site, rotation.name, rotation.valid_from
    from shift_rotation rotation
    join place site on site.place_id = rotation.site_id
    where (site.path = %(scope)s or starts_with(site.path, %(scope)s || '/')
        or site.path = split_part(%(scope)s, '/', 1))
    order by 1, 2, 3
    offset %(skip)s limit %(limit)s
) as found

-- name: holidays_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select site.path as site, holiday.day
    from holiday
    join place site on site.place_id = holiday.site_id
    where (site.path = %(scope)s or starts_with(site.path, %(scope)s || '/')
        or site.path = split_part(%(scope)s, '/', 1))
    order by 1, 2
    offset %(skip)s limit %(limit)s
) as found

-- name: planned_maintenance_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select site.path as site, planned.number
    from planned_maintenance planned
    join place site on site.place_id = planned.site_id
    where (site.path = %(scope)s or starts_with(site.path, %(scope)s || '/')
        or site.path = split_part(%(scope)s, '/', 1))
    order by 1, 2
    offset %(skip)s limit %(limit)s
) as found

-- name: stop_reasons_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select enterprise.path as enterprise, reason.code
    from stop_reason reason
    join place enterprise on enterprise.place_id = reason.enterprise_id
    where (enterprise.path = %(scope)s or starts_with(enterprise.path, %(scope)s || '/')
        or enterprise.path = split_part(%(scope)s, '/', 1))
    order by 1, 2
    offset %(skip)s limit %(limit)s
) as found

-- name: scrap_reasons_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select enterprise.path as enterprise, reason.code
    from quality_reason reason
    join place enterprise on enterprise.place_id = reason.enterprise_id and reason.outcome = 'scrap'
    where (enterprise.path = %(scope)s or starts_with(enterprise.path, %(scope)s || '/')
        or enterprise.path = split_part(%(scope)s, '/', 1))
    order by 1, 2
    offset %(skip)s limit %(limit)s
) as found

-- name: rework_reasons_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select enterprise.path as enterprise, reason.code
    from quality_reason reason
    join place enterprise on enterprise.place_id = reason.enterprise_id and reason.outcome = 'rework'
    where (enterprise.path = %(scope)s or starts_with(enterprise.path, %(scope)s || '/')
        or enterprise.path = split_part(%(scope)s, '/', 1))
    order by 1, 2
    offset %(skip)s limit %(limit)s
) as found

-- name: inspections_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select site.path as site, made.number
    from inspection made
    join place site on site.place_id = made.site_id
    where (site.path = %(scope)s or starts_with(site.path, %(scope)s || '/')
        or site.path = split_part(%(scope)s, '/', 1))
    order by 1, 2
    offset %(skip)s limit %(limit)s
) as found

-- name: scrap_bookings_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select site.path as site, made.number
    from scrap_booking made
    join place site on site.place_id = made.site_id
    where (site.path = %(scope)s or starts_with(site.path, %(scope)s || '/')
        or site.path = split_part(%(scope)s, '/', 1))
    order by 1, 2
    offset %(skip)s limit %(limit)s
) as found

-- name: energy_meters_keys
-- A page of the keys at or below a place, or of the enterprise that holds it.
select to_jsonb(found) from (
    select site.path as site, meter.code, meter.valid_from
    from energy_meter meter
    join place site on site.place_id = meter.site_id
    where (site.path = %(scope)s or starts_with(site.path, %(scope)s || '/')
        or site.path = split_part(%(scope)s, '/', 1))
    order by 1, 2, 3
    offset %(skip)s limit %(limit)s
) as found
