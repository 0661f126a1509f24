-- name: products_put
-- The code is what machines report.
insert into product (enterprise_id, code, name_vi, name_en, origin)
select enterprise.place_id, doc.code, doc.name_vi, doc.name_en, 'mes'
from jsonb_to_recordset(%(documents)s::jsonb)
    as doc (enterprise text, code text, name_vi text, name_en text)
join place enterprise on enterprise.path = doc.enterprise
on conflict (enterprise_id, code) do update set
    name_vi = excluded.name_vi, name_en = excluded.name_en, origin = excluded.origin

-- name: planned_run_times_put
-- What an MES says is no longer the plant file's.
insert into planned_run_time (
    product_id, work_unit_id, valid_from, valid_to, seconds, source, origin
)
select
    product.product_id, unit.place_id, doc.valid_from, doc.valid_to, doc.seconds, doc.source,
    'mes'
from jsonb_to_recordset(%(documents)s::jsonb) as doc (
    work_unit text, product text, valid_from timestamptz, valid_to timestamptz,
    seconds double precision, source text
)
join place unit on unit.path = doc.work_unit
join place enterprise on enterprise.path = split_part(doc.work_unit, '/', 1)
join product on product.enterprise_id = enterprise.place_id and product.code = doc.product
on conflict (product_id, work_unit_id, valid_from) do update set
    valid_to = excluded.valid_to, seconds = excluded.seconds, source = excluded.source,
    origin = excluded.origin

-- name: routings_put
-- A machine stands once in the way of a product at a time.
insert into routing_step (
    product_id, work_unit_id, position, parts_per_item, parts_per_cycle, seconds, valid_from,
    valid_to
)
select
    product.product_id, unit.place_id, doc.position, doc.parts_per_item, doc.parts_per_cycle,
    doc.seconds, doc.valid_from, doc.valid_to
from jsonb_to_recordset(%(documents)s::jsonb) as doc (
    work_unit text, product text, position integer, parts_per_item double precision,
    parts_per_cycle double precision, seconds double precision, valid_from timestamptz, valid_to timestamptz
)
join place unit on unit.path = doc.work_unit
join place enterprise on enterprise.path = split_part(doc.work_unit, '/', 1)
join product on product.enterprise_id = enterprise.place_id and product.code = doc.product
on conflict (product_id, work_unit_id, valid_from) do update set
    position = excluded.position, parts_per_item = excluded.parts_per_item,
    parts_per_cycle = excluded.parts_per_cycle, seconds = excluded.seconds,
    valid_to = excluded.valid_to

-- name: orders_put
-- The number is unique within a site.
insert into production_order (
    site_id, work_center_id, number, product_id, planned_quantity, planned_start, planned_end,
    status, origin
)
select
    site.place_id, line.place_id, doc.number, product.product_id, doc.planned_quantity,
    doc.planned_start, doc.planned_end, doc.status, 'mes'
from jsonb_to_recordset(%(documents)s::jsonb) as doc (
    site text, number text, product text, work_center text, planned_quantity double precision,
    planned_start timestamptz, planned_end timestamptz, status text
)
join place site on site.path = doc.site
join place line on line.path = doc.work_center
join product on product.enterprise_id = site.parent_id and product.code = doc.product
on conflict (site_id, number) do update set
    work_center_id = excluded.work_center_id, product_id = excluded.product_id,
    planned_quantity = excluded.planned_quantity, planned_start = excluded.planned_start,
    planned_end = excluded.planned_end, status = excluded.status, origin = excluded.origin

-- name: lots_put
-- The number is unique within a site.
insert into lot (site_id, number, product_id, order_number, quantity, started_at, ended_at)
select
    site.place_id, doc.number, product.product_id, doc."order", doc.quantity, doc.started_at,
    doc.ended_at
from jsonb_to_recordset(%(documents)s::jsonb) as doc (
    site text, number text, product text, "order" text, quantity double precision,
    started_at timestamptz, ended_at timestamptz
)
join place site on site.path = doc.site
join product on product.enterprise_id = site.parent_id and product.code = doc.product
on conflict (site_id, number) do update set
    product_id = excluded.product_id, order_number = excluded.order_number,
    quantity = excluded.quantity, started_at = excluded.started_at, ended_at = excluded.ended_at

-- name: order_runs_put
-- One order at a time begins on a machine.
insert into order_run (
    work_unit_id, started_at, ended_at, order_number, product_id, lot_number
)
select
    unit.place_id, doc.started_at, doc.ended_at, doc."order", product.product_id, doc.lot
from jsonb_to_recordset(%(documents)s::jsonb) as doc (
    work_unit text, started_at timestamptz, ended_at timestamptz, "order" text, product text,
    lot text
)
join place unit on unit.path = doc.work_unit
join place enterprise on enterprise.path = split_part(doc.work_unit, '/', 1)
left join product on product.enterprise_id = enterprise.place_id and product.code = doc.product
on conflict (work_unit_id, started_at) do update set
    ended_at = excluded.ended_at, order_number = excluded.order_number,
    product_id = excluded.product_id, lot_number = excluded.lot_number

-- name: oee_targets_put
-- Another target from a later moment on is another row.
insert into oee_target (place_id, valid_from, valid_to, planned_oee)
select meant.place_id, doc.valid_from, doc.valid_to, doc.planned_oee
from jsonb_to_recordset(%(documents)s::jsonb) as doc (
    place text, valid_from timestamptz, valid_to timestamptz, planned_oee double precision
)
join place meant on meant.path = doc.place
on conflict (place_id, valid_from) do update set
    valid_to = excluded.valid_to, planned_oee = excluded.planned_oee

-- name: time_zones_put
-- The zone is the site's own.
update place set time_zone = doc.time_zone, time_zone_origin = 'mes'
from jsonb_to_recordset(%(documents)s::jsonb) as doc (site text, time_zone text)
where place.path = doc.site

-- name: shifts_put
-- What an MES says is no longer the plant file's.
insert into shift_pattern (
    site_id, name, start_local, end_local, weekdays, valid_from, valid_to, origin
)
select
    site.place_id, doc.name, doc.start, doc."end",
    array(
        select array_position(
            array['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], day
        )::smallint - 1::smallint
        from jsonb_array_elements_text(doc.weekdays) as day
        order by 1
    ),
    doc.valid_from, doc.valid_to, 'mes'
from jsonb_to_recordset(%(documents)s::jsonb) as doc (
    site text, name text, start time, "end" time, weekdays jsonb, valid_from date, valid_to date
)
join place site on site.path = doc.site
on conflict (site_id, name, valid_from) do update set
    start_local = excluded.start_local, end_local = excluded.end_local,
    weekdays = excluded.weekdays, valid_to = excluded.valid_to, origin = excluded.origin

-- name: shifts_put_clear_breaks
-- A document holds all breaks of its shift.
delete from shift_break
using shift_pattern pattern
join place site on site.place_id = pattern.site_id
join jsonb_to_recordset(%(documents)s::jsonb) as doc (site text, name text, valid_from date)
    on doc.site = site.path and doc.name = pattern.name and doc.valid_from = pattern.valid_from
where shift_break.shift_pattern_id = pattern.shift_pattern_id

-- name: shifts_put_with_breaks
-- After shifts_put_clear_breaks.
insert into shift_break (shift_pattern_id, name, start_local, end_local)
select pattern.shift_pattern_id, pause.name, pause.start, pause."end"
from jsonb_to_recordset(%(documents)s::jsonb)
    as doc (site text, name text, valid_from date, breaks jsonb)
join place site on site.path = doc.site
join shift_pattern pattern on pattern.site_id = site.place_id and pattern.name = doc.name
    and pattern.valid_from = doc.valid_from
cross join jsonb_to_recordset(doc.breaks) as pause (name text, start time, "end" time)

-- name: rotations_put
-- A version of a rotation begins with its cycle.
insert into shift_rotation (site_id, name, valid_from, valid_to, cycle)
select site.place_id, doc.name, doc.valid_from, doc.valid_to, doc.cycle
from jsonb_to_recordset(%(documents)s::jsonb)
    as doc (site text, name text, valid_from date, valid_to date, cycle jsonb)
join place site on site.path = doc.site
on conflict (site_id, name, valid_from) do update set
    valid_to = excluded.valid_to, cycle = excluded.cycle

-- name: holidays_put
-- One row per day.
insert into holiday (site_id, day, name_vi, name_en, works_as, keeps)
select
    site.place_id, doc.day, doc.name_vi, doc.name_en,
    array_position(array['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], doc.works_as) - 1,
    array(select jsonb_array_elements_text(doc.keeps))
from jsonb_to_recordset(%(documents)s::jsonb) as doc (
    site text, day date, name_vi text, name_en text, works_as text, keeps jsonb
)
join place site on site.path = doc.site
on conflict (site_id, day) do update set
    name_vi = excluded.name_vi, name_en = excluded.name_en, works_as = excluded.works_as,
    keeps = excluded.keeps

-- name: planned_maintenance_put
-- The number is unique within a site.
insert into planned_maintenance (site_id, number, place_id, start_time, end_time, description)
select site.place_id, doc.number, meant.place_id, doc.start, doc."end", doc.description
from jsonb_to_recordset(%(documents)s::jsonb) as doc (
    site text, number text, place text, start timestamptz, "end" timestamptz, description text
)
join place site on site.path = doc.site
join place meant on meant.path = doc.place
on conflict (site_id, number) do update set
    place_id = excluded.place_id, start_time = excluded.start_time,
    end_time = excluded.end_time, description = excluded.description

-- name: stop_reasons_put
-- Parents may stand behind their children; the tree is looked at when all of it is there.
insert into stop_reason (enterprise_id, code, parent_code, name_vi, name_en, origin)
select enterprise.place_id, doc.code, doc.parent, doc.name_vi, doc.name_en, 'mes'
from jsonb_to_recordset(%(documents)s::jsonb)
    as doc (enterprise text, code text, parent text, name_vi text, name_en text)
join place enterprise on enterprise.path = doc.enterprise
on conflict (enterprise_id, code) do update set
    parent_code = excluded.parent_code, name_vi = excluded.name_vi, name_en = excluded.name_en,
    origin = excluded.origin

-- name: scrap_reasons_put
-- The same for scrap.
insert into quality_reason (enterprise_id, outcome, code, parent_code, name_vi, name_en)
select enterprise.place_id, 'scrap', doc.code, doc.parent, doc.name_vi, doc.name_en
from jsonb_to_recordset(%(documents)s::jsonb)
    as doc (enterprise text, code text, parent text, name_vi text, name_en text)
join place enterprise on enterprise.path = doc.enterprise
on conflict (enterprise_id, outcome, code) do update set
    parent_code = excluded.parent_code, name_vi = excluded.name_vi, name_en = excluded.name_en

-- name: rework_reasons_put
-- The same for rework.
insert into quality_reason (enterprise_id, outcome, code, parent_code, name_vi, name_en)
select enterprise.place_id, 'rework', doc.code, doc.parent, doc.name_vi, doc.name_en
from jsonb_to_recordset(%(documents)s::jsonb)
    as doc (enterprise text, code text, parent text, name_vi text, name_en text)
join place enterprise on enterprise.path = doc.enterprise
on conflict (enterprise_id, outcome, code) do update set
    parent_code = excluded.parent_code, name_vi = excluded.name_vi, name_en = excluded.name_en

-- name: inspections_put
-- The number is unique within a site.
insert into inspection (
    site_id, number, work_unit_id, product_id, serial_number, lot_number, order_number, attempt,
    result, quantity, reason_code, inspected_at, produced_at, recorded_at, source
)
select
    site.place_id, doc.number, unit.place_id, product.product_id, doc.serial_number, doc.lot,
    doc."order", doc.attempt, doc.result, doc.quantity, doc.reason, doc.inspected_at,
    doc.produced_at, %(now)s, %(source)s
from jsonb_to_recordset(%(documents)s::jsonb) as doc (
    site text, number text, work_unit text, product text, serial_number text, lot text,
    "order" text, attempt integer, result text, quantity double precision, reason text,
    inspected_at timestamptz, produced_at timestamptz
)
join place site on site.path = doc.site
join place unit on unit.path = doc.work_unit
join product on product.enterprise_id = site.parent_id and product.code = doc.product
on conflict (site_id, number) do update set
    work_unit_id = excluded.work_unit_id, product_id = excluded.product_id,
    serial_number = excluded.serial_number, lot_number = excluded.lot_number,
    order_number = excluded.order_number, attempt = excluded.attempt, result = excluded.result,
    quantity = excluded.quantity, reason_code = excluded.reason_code,
    inspected_at = excluded.inspected_at, produced_at = excluded.produced_at,
    recorded_at = excluded.recorded_at, source = excluded.source

-- name: scrap_bookings_put
-- The number is unique within a site.
insert into scrap_booking (
    site_id, number, work_unit_id, product_id, lot_number, order_number, outcome, quantity,
    reason_code, produced_at, booked_at, recorded_at, source
)
select
    site.place_id, doc.number, unit.place_id, product.product_id, doc.lot, doc."order",
    doc.becomes, doc.quantity, doc.reason, doc.produced_at, doc.booked_at, %(now)s, %(source)s
from jsonb_to_recordset(%(documents)s::jsonb) as doc (
    site text, number text, work_unit text, product text, lot text, "order" text, becomes text,
    quantity double precision, reason text, produced_at timestamptz, booked_at timestamptz
)
join place site on site.path = doc.site
join place unit on unit.path = doc.work_unit
join product on product.enterprise_id = site.parent_id and product.code = doc.product
on conflict (site_id, number) do update set
    work_unit_id = excluded.work_unit_id, product_id = excluded.product_id,
    lot_number = excluded.lot_number, order_number = excluded.order_number,
    outcome = excluded.outcome, quantity = excluded.quantity, reason_code = excluded.reason_code,
    produced_at = excluded.produced_at, booked_at = excluded.booked_at,
    recorded_at = excluded.recorded_at, source = excluded.source

-- name: energy_meters_put
-- A meter that moved is a new version of it.
insert into energy_meter (
    site_id, code, place_id, name_vi, name_en, tag_name, carrier, reading, kwh_per_unit, shares,
    valid_from, valid_to
)
select
    site.place_id, doc.code, meant.place_id, doc.name_vi, doc.name_en, doc.tag, doc.carrier,
    doc.reading, doc.kwh_per_unit, doc.shares, doc.valid_from, doc.valid_to
from jsonb_to_recordset(%(documents)s::jsonb) as doc (
    site text, code text, name_vi text, name_en text, place text, tag text, carrier text,
    reading text, kwh_per_unit double precision, shares jsonb, valid_from timestamptz, valid_to timestamptz
)
join place site on site.path = doc.site
join place meant on meant.path = doc.place
on conflict (site_id, code, valid_from) do update set
    place_id = excluded.place_id, name_vi = excluded.name_vi, name_en = excluded.name_en,
    tag_name = excluded.tag_name, carrier = excluded.carrier, reading = excluded.reading,
    shares = excluded.shares, kwh_per_unit = excluded.kwh_per_unit, valid_to = excluded.valid_to

-- name: import_mappings_put
-- What it says beside its key is one value: only `plant.mes` reads it.
insert into import_mapping (enterprise_id, name, mapping)
select enterprise.place_id, doc ->> 'name', doc - 'enterprise' - 'name'
from jsonb_array_elements(%(documents)s::jsonb) as doc
join place enterprise on enterprise.path = doc ->> 'enterprise'
on conflict (enterprise_id, name) do update set mapping = excluded.mapping
