-- name: lock
-- One plant is loaded at a time; released at the end of the transaction.
select pg_advisory_xact_lock(7461004)

-- name: upsert_place
-- The path is the identity; everything else may be corrected.
insert into place (
    parent_id, level, path, name_vi, name_en, position, time_zone, line_kind, planned_run_time_s,
    in_service_from, in_service_until
)
values (
    (select place_id from place where path = %(parent)s),
    %(level)s, %(path)s, %(name_vi)s, %(name_en)s, %(position)s, %(time_zone)s, %(line_kind)s,
    %(planned_run_time_s)s,
    -- A machine that joins a line with figures counts from then on.
    coalesce(%(in_service_from)s, (
        select max(b.slice_end)
        from base_sum b
        join place sibling on sibling.place_id = b.work_unit_id
        join place line on line.place_id = sibling.parent_id
        where line.path = %(parent)s and %(level)s = 'work_unit'
    )),
    %(in_service_until)s
)
on conflict (path) do update set
    name_vi = excluded.name_vi,
    name_en = excluded.name_en,
    position = excluded.position,
    time_zone = case
        when place.time_zone_origin = 'plant' then excluded.time_zone else place.time_zone
    end,
    line_kind = excluded.line_kind,
    planned_run_time_s = excluded.planned_run_time_s,
    in_service_from = coalesce(%(in_service_from)s, place.in_service_from),
    in_service_until = excluded.in_service_until
returning place_id

-- name: forget_after_end
-- Nothing is computed of a machine beyond the end of its service.
with ended as (
    select place_id, in_service_until from place where path = %(path)s and in_service_until is not null
), sums as (
    delete from base_sum using ended
    where work_unit_id = place_id and slice_start >= in_service_until
), minutes as (
    delete from minute_sum using ended
    where work_unit_id = place_id and slice_start >= in_service_until
), tiles as (
    delete from state_interval using ended
    where work_unit_id = place_id and start_time >= in_service_until
), stops as (
    delete from stop using ended where work_unit_id = place_id and start_time >= in_service_until
), failures as (
    delete from failure using ended where work_unit_id = place_id and start_time >= in_service_until
)
delete from oee_result using ended
where oee_result.place_id = ended.place_id and window_start >= in_service_until

-- name: set_bottleneck
-- After all machines of the line are there.
update place set bottleneck_id = %(bottleneck)s where place_id = %(line)s

-- name: enrol_edge
-- An edge that is enrolled already keeps its id, and with it its ledger.
insert into edge (site_id, code) values (%(site)s, %(code)s) on conflict do nothing

-- name: clear_state_map
-- The description holds the whole map of a machine.
delete from state_map where work_unit_id = any(%(work_units)s)

-- name: insert_state_map
-- After clear_state_map.
insert into state_map (work_unit_id, vendor_state, packml_state)
values (%(work_unit)s, %(vendor_state)s, %(packml_state)s)

-- name: policy
-- What a version of a site's policy says.
select
    minor_stop_threshold_s, minor_stops_in, breaks_in, setup_in, failure_states,
    failure_at_least_s, failure_merge_s, mtbf_per, order_from, minor_stop_thresholds_s
from oee_policy
where site_id = %(site)s and version = %(version)s

-- name: insert_policy
-- Versions are never changed.
insert into oee_policy (
    site_id, version, minor_stop_threshold_s, minor_stops_in, breaks_in, setup_in, failure_states,
    failure_at_least_s, failure_merge_s, mtbf_per, order_from, minor_stop_thresholds_s
) values (
    %(site)s, %(version)s, %(minor_stop_threshold_s)s, %(minor_stops_in)s, %(breaks_in)s,
    %(setup_in)s, %(failure_states)s, %(failure_at_least_s)s, %(failure_merge_s)s, %(mtbf_per)s,
    %(order_from)s, %(minor_stop_thresholds_s)s
)

-- name: upsert_product
-- The code is what machines report.
insert into product (enterprise_id, code, name_vi, name_en)
values (%(enterprise)s, %(code)s, %(name_vi)s, %(name_en)s)
on conflict (enterprise_id, code) do update set
    name_vi = case when product.origin = 'plant' then excluded.name_vi else product.name_vi end,
    name_en = case when product.origin = 'plant' then excluded.name_en else product.name_en end
returning product_id

-- name: clear_planned_run_times
-- The description holds all planned run times of a product but those that an MES gave.
delete from planned_run_time where product_id = %(product)s and origin = 'plant'

-- name: insert_planned_run_time
-- After clear_planned_run_times.
insert into planned_run_time (product_id, work_unit_id, valid_from, valid_to, seconds, source)
values (%(product)s, %(work_unit)s, %(valid_from)s, %(valid_to)s, %(seconds)s, %(source)s)
on conflict (product_id, work_unit_id, valid_from) do nothing

-- name: upsert_order
-- The number is unique within a site.
insert into production_order (
    site_id, work_center_id, number, product_id, planned_quantity, planned_start, planned_end
)
values (
    %(site)s, %(work_center)s, %(number)s, %(product)s, %(planned_quantity)s,
    %(planned_start)s, %(planned_end)s
)
on conflict (site_id, number) do update set
    work_center_id = excluded.work_center_id,
    product_id = excluded.product_id,
    planned_quantity = excluded.planned_quantity,
    planned_start = excluded.planned_start,
    planned_end = excluded.planned_end
where production_order.origin = 'plant'

-- name: clear_shifts
-- Breaks go with their shift; shifts that an MES gave stay.
delete from shift_pattern where site_id = %(site)s and origin = 'plant'

-- name: insert_shift
-- After clear_shifts.
insert into shift_pattern (
    site_id, name, start_local, end_local, weekdays, valid_from, valid_to
)
values (
    %(site)s, %(name)s, %(start)s, %(end)s, %(weekdays)s, %(valid_from)s, %(valid_to)s
)
on conflict (site_id, name, valid_from) do nothing
returning shift_pattern_id

-- name: insert_break
-- A break of the shift just inserted.
insert into shift_break (shift_pattern_id, name, start_local, end_local)
values (%(shift)s, %(name)s, %(start)s, %(end)s)

-- name: upsert_stop_reason
-- Reasons are never deleted: recorded stops refer to their codes.
insert into stop_reason (enterprise_id, code, parent_code, name_vi, name_en)
values (%(enterprise)s, %(code)s, %(parent)s, %(name_vi)s, %(name_en)s)
on conflict (enterprise_id, code) do update set
    parent_code = excluded.parent_code, name_vi = excluded.name_vi, name_en = excluded.name_en
where stop_reason.origin = 'plant'

-- name: foundations
-- Everything described that a figure of the site depends on, as one text to compare.
with unit as (
    select * from place where path = %(site)s or starts_with(path, %(site)s || '/')
)
select jsonb_build_object(
    'places', (
        select jsonb_agg(jsonb_build_array(
            path, position, time_zone, line_kind, planned_run_time_s, in_service_from,
            in_service_until,
            (select path from place as slowest where slowest.place_id = unit.bottleneck_id)
        ) order by path) from unit
    ),
    'states', (
        select jsonb_agg(state_map order by work_unit_id, vendor_state)
        from state_map where work_unit_id in (select place_id from unit)
    ),
    'policies', (
        select jsonb_agg(oee_policy order by version)
        from oee_policy where site_id in (select place_id from unit)
    ),
    'planned_run_times', (
        select jsonb_agg(
            to_jsonb(planned_run_time) - 'source' order by product_id, work_unit_id, valid_from
        )
        from planned_run_time where work_unit_id in (select place_id from unit)
    ),
    'orders', (
        select jsonb_agg(
            jsonb_build_array(number, product_id, work_center_id) order by number
        )
        from production_order where site_id in (select place_id from unit)
    ),
    'shifts', (
        select jsonb_agg(
            jsonb_build_array(name, start_local, end_local, weekdays, valid_from, valid_to, (
                select jsonb_agg(jsonb_build_array(start_local, end_local) order by name)
                from shift_break
                where shift_break.shift_pattern_id = shift_pattern.shift_pattern_id
            )) order by name, valid_from
        )
        from shift_pattern where site_id in (select place_id from unit)
    )
)::text

-- name: mark_site_dirty
-- Every hour of the site that has figures; in one order, so that two markers cannot deadlock.
insert into dirty_window (work_unit_id, hour, marked_at, cause)
select distinct base_sum.work_unit_id, base_sum.hour, now(), 'master_data'
from base_sum
inner join place on place.place_id = base_sum.work_unit_id
where starts_with(place.path, %(site)s || '/')
order by 1, 2
on conflict (work_unit_id, hour) do update set
    revision = dirty_window.revision + 1, marked_at = excluded.marked_at, cause = excluded.cause

-- name: lock_recomputation
-- Until the end of the transaction no pass of analytics runs: none can have read the old state
-- and write its figures after the hours were marked. See `share_master_data` in figure_fact.sql.
select pg_advisory_xact_lock(7461005)

-- name: known_sites
-- Which of these sites are there already.
select path from place where path = any(%(sites)s)

-- name: record_change
-- The trail of what a plant file changed.
insert into master_data_event (
    recorded_at, who, source, kind, scope, key, action, old, new
)
values (
    now(), 'nhipmay migrate', 'plant description', 'plant', %(site)s,
    jsonb_build_object('site', %(site)s::text),
    case when %(known)s then 'changed' else 'created' end,
    case when %(known)s then %(old)s::jsonb end, %(new)s::jsonb
)
