-- name: products_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'enterprise', asked.enterprise, 'code', product.code,
    'name_vi', product.name_vi, 'name_en', product.name_en
)
from jsonb_to_recordset(%(keys)s::jsonb) as asked (n integer, enterprise text, code text)
join place enterprise on enterprise.path = asked.enterprise
join product on product.enterprise_id = enterprise.place_id and product.code = asked.code

-- name: planned_run_times_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'work_unit', asked.work_unit, 'product', asked.product, 'valid_from', planned.valid_from,
    'valid_to', planned.valid_to, 'seconds', planned.seconds, 'source', planned.source
)
from jsonb_to_recordset(%(keys)s::jsonb)
    as asked (n integer, work_unit text, product text, valid_from timestamptz)
join place unit on unit.path = asked.work_unit
join place enterprise on enterprise.path = split_part(asked.work_unit, '/', 1)
join product on product.enterprise_id = enterprise.place_id and product.code = asked.product
join planned_run_time planned on planned.product_id = product.product_id
    and planned.work_unit_id = unit.place_id and planned.valid_from = asked.valid_from

-- name: routings_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'work_unit', asked.work_unit, 'product', asked.product, 'valid_from', step.valid_from,
    'valid_to', step.valid_to, 'position', step.position, 'parts_per_item', step.parts_per_item,
    'parts_per_cycle', step.parts_per_cycle, 'seconds', step.seconds
)
from jsonb_to_recordset(%(keys)s::jsonb)
    as asked (n integer, work_unit text, product text, valid_from timestamptz)
join place unit on unit.path = asked.work_unit
join place enterprise on enterprise.path = split_part(asked.work_unit, '/', 1)
join product on product.enterprise_id = enterprise.place_id and product.code = asked.product
join routing_step step on step.product_id = product.product_id
    and step.work_unit_id = unit.place_id and step.valid_from = asked.valid_from

-- name: orders_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'site', asked.site, 'number', asked.number, 'product', product.code,
    'work_center', line.path, 'planned_quantity', made.planned_quantity,
    'planned_start', made.planned_start, 'planned_end', made.planned_end, 'status', made.status
)
from jsonb_to_recordset(%(keys)s::jsonb) as asked (n integer, site text, number text)
join place site on site.path = asked.site
join production_order made on made.site_id = site.place_id and made.number = asked.number
join place line on line.place_id = made.work_center_id
join product on product.product_id = made.product_id

-- name: lots_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'site', asked.site, 'number', asked.number, 'product', product.code,
    'order', lot.order_number, 'quantity', lot.quantity, 'started_at', lot.started_at,
    'ended_at', lot.ended_at
)
from jsonb_to_recordset(%(keys)s::jsonb) as asked (n integer, site text, number text)
join place site on site.path = asked.site
join lot on lot.site_id = site.place_id and lot.number = asked.number
join product on product.product_id = lot.product_id

-- name: order_runs_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'work_unit', asked.work_unit, 'started_at', run.started_at, 'ended_at', run.ended_at,
    'order', run.order_number, 'product', product.code, 'lot', run.lot_number
)
from jsonb_to_recordset(%(keys)s::jsonb)
    as asked (n integer, work_unit text, started_at timestamptz)
join place unit on unit.path = asked.work_unit
join order_run run on run.work_unit_id = unit.place_id and run.started_at = asked.started_at
left join product on product.product_id = run.product_id

-- name: oee_targets_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'place', asked.place, 'valid_from', target.valid_from, 'valid_to', target.valid_to,
    'planned_oee', target.planned_oee
)
from jsonb_to_recordset(%(keys)s::jsonb) as asked (n integer, place text, valid_from timestamptz)
join place meant on meant.path = asked.place
join oee_target target on target.place_id = meant.place_id
    and target.valid_from = asked.valid_from

-- name: time_zones_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object('site', asked.site, 'time_zone', site.time_zone)
from jsonb_to_recordset(%(keys)s::jsonb) as asked (n integer, site text)
join place site on site.path = asked.site
where site.time_zone is not null

-- name: shifts_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'site', asked.site, 'name', pattern.name, 'start', pattern.start_local,
    'end', pattern.end_local, 'valid_from', pattern.valid_from, 'valid_to', pattern.valid_to,
    'weekdays', (
        select jsonb_agg((array['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])[day + 1])
        from unnest(pattern.weekdays) as day
    ),
    'breaks', coalesce((
        select jsonb_agg(jsonb_build_object(
            'name', pause.name, 'start', pause.start_local, 'end', pause.end_local
        ))
        from shift_break pause where pause.shift_pattern_id = pattern.shift_pattern_id
    ), '[]')
)
from jsonb_to_recordset(%(keys)s::jsonb)
    as asked (n integer, site text, name text, valid_from date)
join place site on site.path = asked.site
join shift_pattern pattern on pattern.site_id = site.place_id and pattern.name = asked.name
    and pattern.valid_from = asked.valid_from

-- name: rotations_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'site', asked.site, 'name', rotation.name, 'valid_from', rotation.valid_from,
    'valid_to', rotation.valid_to, 'cycle', rotation.cycle
)
from jsonb_to_recordset(%(keys)s::jsonb)
    as asked (n integer, site text, name text, valid_from date)
join place site on site.path = asked.site
join shift_rotation rotation on rotation.site_id = site.place_id
    and rotation.name = asked.name and rotation.valid_from = asked.valid_from

-- name: holidays_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'site', asked.site, 'day', holiday.day, 'name_vi', holiday.name_vi,
    'name_en', holiday.name_en, 'keeps', holiday.keeps,
    'works_as',
    (array['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])[holiday.works_as + 1]
)
from jsonb_to_recordset(%(keys)s::jsonb) as asked (n integer, site text, day date)
join place site on site.path = asked.site
join holiday on holiday.site_id = site.place_id and holiday.day = asked.day

-- name: planned_maintenance_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'site', asked.site, 'number', planned.number, 'place', meant.path,
    'start', planned.start_time, 'end', planned.end_time, 'description', planned.description
)
from jsonb_to_recordset(%(keys)s::jsonb) as asked (n integer, site text, number text)
join place site on site.path = asked.site
join planned_maintenance planned on planned.site_id = site.place_id
    and planned.number = asked.number
join place meant on meant.place_id = planned.place_id

-- name: stop_reasons_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'enterprise', asked.enterprise, 'code', reason.code, 'parent', reason.parent_code,
    'name_vi', reason.name_vi, 'name_en', reason.name_en
)
from jsonb_to_recordset(%(keys)s::jsonb) as asked (n integer, enterprise text, code text)
join place enterprise on enterprise.path = asked.enterprise
join stop_reason reason on reason.enterprise_id = enterprise.place_id
    and reason.code = asked.code

-- name: scrap_reasons_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'enterprise', asked.enterprise, 'code', reason.code, 'parent', reason.parent_code,
    'name_vi', reason.name_vi, 'name_en', reason.name_en
)
from jsonb_to_recordset(%(keys)s::jsonb) as asked (n integer, enterprise text, code text)
join place enterprise on enterprise.path = asked.enterprise
join quality_reason reason on reason.enterprise_id = enterprise.place_id
    and reason.outcome = 'scrap' and reason.code = asked.code

-- name: rework_reasons_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'enterprise', asked.enterprise, 'code', reason.code, 'parent', reason.parent_code,
    'name_vi', reason.name_vi, 'name_en', reason.name_en
)
from jsonb_to_recordset(%(keys)s::jsonb) as asked (n integer, enterprise text, code text)
join place enterprise on enterprise.path = asked.enterprise
join quality_reason reason on reason.enterprise_id = enterprise.place_id
    and reason.outcome = 'rework' and reason.code = asked.code

-- name: inspections_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'site', asked.site, 'number', made.number, 'work_unit', unit.path, 'product', product.code,
    'serial_number', made.serial_number, 'lot', made.lot_number, 'order', made.order_number,
    'attempt', made.attempt, 'result', made.result, 'quantity', made.quantity,
    'reason', made.reason_code, 'inspected_at', made.inspected_at,
    'produced_at', made.produced_at
)
from jsonb_to_recordset(%(keys)s::jsonb) as asked (n integer, site text, number text)
join place site on site.path = asked.site
join inspection made on made.site_id = site.place_id and made.number = asked.number
join place unit on unit.place_id = made.work_unit_id
join product on product.product_id = made.product_id

-- name: scrap_bookings_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'site', asked.site, 'number', made.number, 'work_unit', unit.path, 'product', product.code,
    'lot', made.lot_number, 'order', made.order_number, 'becomes', made.outcome,
    'quantity', made.quantity, 'reason', made.reason_code, 'produced_at', made.produced_at,
    'booked_at', made.booked_at
)
from jsonb_to_recordset(%(keys)s::jsonb) as asked (n integer, site text, number text)
join place site on site.path = asked.site
join scrap_booking made on made.site_id = site.place_id and made.number = asked.number
join place unit on unit.place_id = made.work_unit_id
join product on product.product_id = made.product_id

-- name: energy_meters_current
-- Each document under the position of the key that was asked for.
select asked.n, jsonb_build_object(
    'site', asked.site, 'code', meter.code, 'name_vi', meter.name_vi,
    'name_en', meter.name_en, 'place', meant.path, 'tag', meter.tag_name,
    'carrier', meter.carrier, 'reading', meter.reading, 'kwh_per_unit', meter.kwh_per_unit,
    'shares', meter.shares,
    'valid_from', meter.valid_from, 'valid_to', meter.valid_to
)
from jsonb_to_recordset(%(keys)s::jsonb)
    as asked (n integer, site text, code text, valid_from timestamptz)
join place site on site.path = asked.site
join energy_meter meter on meter.site_id = site.place_id and meter.code = asked.code
    and meter.valid_from = asked.valid_from
join place meant on meant.place_id = meter.place_id
