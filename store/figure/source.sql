-- name: places
-- Sites, lines and machines, children in the order of the flow.
select
    place_id, parent_id, level, path, time_zone, line_kind, bottleneck_id, planned_run_time_s,
    in_service_from, in_service_until
from place
order by level, parent_id, position, path

-- name: role_tags
-- Tags that mean something to the figures of their work unit.
select tag_id, work_unit_id, edge_id, role, counter_modulus, max_rate_per_s, max_silence_s
from tag
where role <> 'none'
order by work_unit_id, role, tag_id

-- name: energy_meters
-- Meters of energy, with the number tag that carries the reading.
select
    tag.tag_id, tag.edge_id, tag.counter_modulus, tag.max_rate_per_s, tag.max_silence_s,
    meant.path, meter.reading, meter.kwh_per_unit, meter.shares, meter.valid_from, meter.valid_to
from energy_meter meter
join place meant on meant.place_id = meter.place_id
join tag on tag.site_id = meter.site_id and tag.name = meter.tag_name
where meter.carrier <> 'water' and tag.value_type = 'number'
order by tag.tag_id, meter.valid_from, meter.code

-- name: state_maps
-- Vendor state names to PackML names.
select work_unit_id, vendor_state, packml_state from state_map

-- name: policies
-- The policy in force of each site: its latest version.
select distinct on (site_id)
    site_id, version, minor_stop_threshold_s, minor_stops_in, breaks_in, setup_in, failure_states,
    failure_at_least_s, failure_merge_s, mtbf_per, order_from, minor_stop_thresholds_s
from oee_policy
order by site_id, version desc

-- name: planned_run_times
-- Planned run times per item of every machine.
select planned.work_unit_id, product.code, planned.valid_from, planned.valid_to, planned.seconds
from planned_run_time planned
join product using (product_id)

-- name: operations
-- What routings say of every machine.
select
    step.work_unit_id, product.code, step.valid_from, step.valid_to, step.parts_per_item,
    step.parts_per_cycle, step.seconds
from routing_step step
join product using (product_id)

-- name: order_products
-- The product of each production order, per site.
select production_order.site_id, production_order.number, product.code
from production_order
join product using (product_id)

-- name: shift_patterns
-- Shifts with their breaks.
select
    pattern.site_id, pattern.name, pattern.start_local, pattern.end_local, pattern.weekdays,
    pattern.valid_from, pattern.valid_to,
    array_remove(array_agg(pause.name order by pause.start_local), null),
    array_remove(array_agg(pause.start_local order by pause.start_local), null),
    array_remove(array_agg(pause.end_local order by pause.start_local), null)
from shift_pattern pattern
left join shift_break pause using (shift_pattern_id)
group by pattern.shift_pattern_id
order by pattern.site_id, pattern.name, pattern.valid_from

-- name: shift_rotations
-- Rotations of every site.
select site_id, name, valid_from, valid_to, cycle
from shift_rotation
order by site_id, valid_from, name

-- name: holidays
-- Days off of every site.
select site_id, day, works_as, keeps from holiday

-- name: edge_progress
-- How far each edge's data are complete. `contiguous` tells that nothing is missing between the
-- first and the last committed id of the present epoch.
select
    status.edge_id, status.reported_at, status.online, status.sampled_time, status.pending,
    status.oldest_pending_time,
    coalesce((
        select
            lower(ledger.committed + ledger.dropped) = 1
            and (select count(*) from unnest(ledger.committed + ledger.dropped)) = 1
        from delivery_ledger ledger
        where ledger.edge_id = status.edge_id and ledger.epoch = status.epoch
            and not isempty(ledger.committed + ledger.dropped)
    ), status.issued_id is not distinct from 0)
from edge_status status

