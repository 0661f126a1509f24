-- The document of each kind as it is stored, under the position of the key that was asked for.
-- {found} is its row `kept` beside the key `asked`; see `store/mes/home.py`.

-- form: products
select asked.n, jsonb_build_object(
    'enterprise', asked.enterprise, 'code', kept.code,
    'name_vi', kept.name_vi, 'name_en', kept.name_en
)
from {found}

-- form: planned_run_times
select asked.n, jsonb_build_object(
    'work_unit', asked.work_unit, 'product', asked.product, 'valid_from', kept.valid_from,
    'valid_to', kept.valid_to, 'seconds', kept.seconds, 'source', kept.source
)
from {found}

-- form: routings
select asked.n, jsonb_build_object(
    'work_unit', asked.work_unit, 'product', asked.product, 'valid_from', kept.valid_from,
    'valid_to', kept.valid_to, 'position', kept.position, 'parts_per_item', kept.parts_per_item,
    'parts_per_cycle', kept.parts_per_cycle, 'seconds', kept.seconds
)
from {found}

-- form: orders
select asked.n, jsonb_build_object(
    'site', asked.site, 'number', asked.number, 'product', product.code,
    'work_center', line.path, 'planned_quantity', kept.planned_quantity,
    'planned_start', kept.planned_start, 'planned_end', kept.planned_end, 'status', kept.status
)
from {found}
join place line on line.place_id = kept.work_center_id
join product on product.product_id = kept.product_id

-- form: lots
select asked.n, jsonb_build_object(
    'site', asked.site, 'number', asked.number, 'product', product.code,
    'order', kept.order_number, 'quantity', kept.quantity, 'started_at', kept.started_at,
    'ended_at', kept.ended_at
)
from {found}
join product on product.product_id = kept.product_id

-- form: order_runs
select asked.n, jsonb_build_object(
    'work_unit', asked.work_unit, 'started_at', kept.started_at, 'ended_at', kept.ended_at,
    'order', kept.order_number, 'product', product.code, 'lot', kept.lot_number
)
from {found}
left join product on product.product_id = kept.product_id

-- form: oee_targets
select asked.n, jsonb_build_object(
    'place', asked.place, 'valid_from', kept.valid_from, 'valid_to', kept.valid_to,
    'planned_oee', kept.planned_oee
)
from {found}

-- form: time_zones
select asked.n, jsonb_build_object('site', asked.site, 'time_zone', kept.time_zone)
from {found}

-- form: shifts
select asked.n, jsonb_build_object(
    'site', asked.site, 'name', kept.name, 'start', kept.start_local,
    'end', kept.end_local, 'valid_from', kept.valid_from, 'valid_to', kept.valid_to,
    'weekdays', (
        select jsonb_agg((array['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])[day + 1])
        from unnest(kept.weekdays) as day
    ),
    'breaks', coalesce((
        select jsonb_agg(jsonb_build_object(
            'name', pause.name, 'start', pause.start_local, 'end', pause.end_local
        ))
        from shift_break pause where pause.shift_pattern_id = kept.shift_pattern_id
    ), '[]')
)
from {found}

-- form: rotations
select asked.n, jsonb_build_object(
    'site', asked.site, 'name', kept.name, 'valid_from', kept.valid_from,
    'valid_to', kept.valid_to, 'cycle', kept.cycle
)
from {found}

-- form: holidays
select asked.n, jsonb_build_object(
    'site', asked.site, 'day', kept.day, 'name_vi', kept.name_vi,
    'name_en', kept.name_en, 'keeps', kept.keeps,
    'works_as',
    (array['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])[kept.works_as + 1]
)
from {found}

-- form: planned_maintenance
select asked.n, jsonb_build_object(
    'site', asked.site, 'number', kept.number, 'place', meant.path,
    'start', kept.start_time, 'end', kept.end_time, 'description', kept.description
)
from {found}
join place meant on meant.place_id = kept.place_id

-- form: reasons
select asked.n, jsonb_build_object(
    'enterprise', asked.enterprise, 'code', kept.code, 'parent', kept.parent_code,
    'name_vi', kept.name_vi, 'name_en', kept.name_en
)
from {found}

-- form: inspections
select asked.n, jsonb_build_object(
    'site', asked.site, 'number', kept.number, 'work_unit', unit.path, 'product', product.code,
    'serial_number', kept.serial_number, 'lot', kept.lot_number, 'order', kept.order_number,
    'attempt', kept.attempt, 'result', kept.result, 'quantity', kept.quantity,
    'reason', kept.reason_code, 'inspected_at', kept.inspected_at,
    'produced_at', kept.produced_at
)
from {found}
join place unit on unit.place_id = kept.work_unit_id
join product on product.product_id = kept.product_id

-- form: scrap_bookings
select asked.n, jsonb_build_object(
    'site', asked.site, 'number', kept.number, 'work_unit', unit.path, 'product', product.code,
    'lot', kept.lot_number, 'order', kept.order_number, 'becomes', kept.outcome,
    'quantity', kept.quantity, 'reason', kept.reason_code, 'produced_at', kept.produced_at,
    'booked_at', kept.booked_at
)
from {found}
join place unit on unit.place_id = kept.work_unit_id
join product on product.product_id = kept.product_id

-- form: energy_meters
select asked.n, jsonb_build_object(
    'site', asked.site, 'code', kept.code, 'name_vi', kept.name_vi,
    'name_en', kept.name_en, 'place', meant.path, 'tag', kept.tag_name,
    'carrier', kept.carrier, 'reading', kept.reading, 'kwh_per_unit', kept.kwh_per_unit,
    'shares', kept.shares,
    'valid_from', kept.valid_from, 'valid_to', kept.valid_to
)
from {found}
join place meant on meant.place_id = kept.place_id

-- form: import_mappings
select
    asked.n,
    jsonb_build_object('enterprise', asked.enterprise, 'name', kept.name) || kept.mapping
from {found}
