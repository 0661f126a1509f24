-- name: products_withdraw
-- Data refer to a product by its id, so the database itself refuses to lose one in use.
delete from product
using jsonb_to_recordset(%(keys)s::jsonb) as asked (enterprise text, code text)
join place enterprise on enterprise.path = asked.enterprise
where product.enterprise_id = enterprise.place_id and product.code = asked.code

-- name: planned_run_times_withdraw
-- What was said stays in master_data_event.
delete from planned_run_time planned
using jsonb_to_recordset(%(keys)s::jsonb)
    as asked (work_unit text, product text, valid_from timestamptz)
join place unit on unit.path = asked.work_unit
join place enterprise on enterprise.path = split_part(asked.work_unit, '/', 1)
join product on product.enterprise_id = enterprise.place_id and product.code = asked.product
where planned.product_id = product.product_id and planned.work_unit_id = unit.place_id
    and planned.valid_from = asked.valid_from

-- name: routings_withdraw
-- What was said stays in master_data_event.
delete from routing_step step
using jsonb_to_recordset(%(keys)s::jsonb)
    as asked (work_unit text, product text, valid_from timestamptz)
join place unit on unit.path = asked.work_unit
join place enterprise on enterprise.path = split_part(asked.work_unit, '/', 1)
join product on product.enterprise_id = enterprise.place_id and product.code = asked.product
where step.product_id = product.product_id and step.work_unit_id = unit.place_id
    and step.valid_from = asked.valid_from

-- name: orders_withdraw
-- What was said stays in master_data_event.
delete from production_order made
using jsonb_to_recordset(%(keys)s::jsonb) as asked (site text, number text)
join place site on site.path = asked.site
where made.site_id = site.place_id and made.number = asked.number

-- name: lots_withdraw
-- What was said stays in master_data_event.
delete from lot
using jsonb_to_recordset(%(keys)s::jsonb) as asked (site text, number text)
join place site on site.path = asked.site
where lot.site_id = site.place_id and lot.number = asked.number

-- name: order_runs_withdraw
-- What was said stays in master_data_event.
delete from order_run run
using jsonb_to_recordset(%(keys)s::jsonb) as asked (work_unit text, started_at timestamptz)
join place unit on unit.path = asked.work_unit
where run.work_unit_id = unit.place_id and run.started_at = asked.started_at

-- name: oee_targets_withdraw
-- What was said stays in master_data_event.
delete from oee_target target
using jsonb_to_recordset(%(keys)s::jsonb) as asked (place text, valid_from timestamptz)
join place meant on meant.path = asked.place
where target.place_id = meant.place_id and target.valid_from = asked.valid_from

-- name: shifts_withdraw
-- Breaks go with their shift.
delete from shift_pattern pattern
using jsonb_to_recordset(%(keys)s::jsonb) as asked (site text, name text, valid_from date)
join place site on site.path = asked.site
where pattern.site_id = site.place_id and pattern.name = asked.name
    and pattern.valid_from = asked.valid_from

-- name: rotations_withdraw
-- What was said stays in master_data_event.
delete from shift_rotation rotation
using jsonb_to_recordset(%(keys)s::jsonb) as asked (site text, name text, valid_from date)
join place site on site.path = asked.site
where rotation.site_id = site.place_id and rotation.name = asked.name
    and rotation.valid_from = asked.valid_from

-- name: holidays_withdraw
-- What was said stays in master_data_event.
delete from holiday
using jsonb_to_recordset(%(keys)s::jsonb) as asked (site text, day date)
join place site on site.path = asked.site
where holiday.site_id = site.place_id and holiday.day = asked.day

-- name: planned_maintenance_withdraw
-- What was said stays in master_data_event.
delete from planned_maintenance planned
using jsonb_to_recordset(%(keys)s::jsonb) as asked (site text, number text)
join place site on site.path = asked.site
where planned.site_id = site.place_id and planned.number = asked.number

-- name: stop_reasons_withdraw
-- Recorded stops keep the code; its name stays in master_data_event.
delete from stop_reason reason
using jsonb_to_recordset(%(keys)s::jsonb) as asked (enterprise text, code text)
join place enterprise on enterprise.path = asked.enterprise
where reason.enterprise_id = enterprise.place_id and reason.code = asked.code

-- name: scrap_reasons_withdraw
-- Records keep the code; its name stays in master_data_event.
delete from quality_reason reason
using jsonb_to_recordset(%(keys)s::jsonb) as asked (enterprise text, code text)
join place enterprise on enterprise.path = asked.enterprise
where reason.enterprise_id = enterprise.place_id and reason.outcome = 'scrap'
    and reason.code = asked.code

-- name: rework_reasons_withdraw
-- Records keep the code; its name stays in master_data_event.
delete from quality_reason reason
using jsonb_to_recordset(%(keys)s::jsonb) as asked (enterprise text, code text)
join place enterprise on enterprise.path = asked.enterprise
where reason.enterprise_id = enterprise.place_id and reason.outcome = 'rework'
    and reason.code = asked.code

-- name: inspections_withdraw
-- What was said stays in master_data_event.
delete from inspection made
using jsonb_to_recordset(%(keys)s::jsonb) as asked (site text, number text)
join place site on site.path = asked.site
where made.site_id = site.place_id and made.number = asked.number

-- name: scrap_bookings_withdraw
-- What was said stays in master_data_event.
delete from scrap_booking made
using jsonb_to_recordset(%(keys)s::jsonb) as asked (site text, number text)
join place site on site.path = asked.site
where made.site_id = site.place_id and made.number = asked.number

-- name: energy_meters_withdraw
-- What was said stays in master_data_event.
delete from energy_meter meter
using jsonb_to_recordset(%(keys)s::jsonb)
    as asked (site text, code text, valid_from timestamptz)
join place site on site.path = asked.site
where meter.site_id = site.place_id and meter.code = asked.code
    and meter.valid_from = asked.valid_from
