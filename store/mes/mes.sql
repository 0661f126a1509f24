-- name: lock_scope
-- Documents of one kind and scope are written one after another; the first number is ours.
select pg_advisory_xact_lock(7461006, hashtext(%(name)s))

-- name: lock_recomputation
-- Until the end of the transaction no pass of analytics runs: none can have read the old state
-- and write its figures after the hours were marked. See share_master_data in figure_fact.sql.
select pg_advisory_xact_lock(7461005)

-- name: paths
-- All places.
select path from place

-- name: known_products
-- Of these products (enterprise, code) those that exist.
select asked.scope, asked.code
from unnest(%(scopes)s::text[], %(codes)s::text[]) as asked (scope, code)
join place on place.path = asked.scope
join product on product.enterprise_id = place.place_id and product.code = asked.code

-- name: known_orders
-- Of these orders (site, number) those that exist.
select asked.scope, asked.code
from unnest(%(scopes)s::text[], %(codes)s::text[]) as asked (scope, code)
join place on place.path = asked.scope
join production_order made on made.site_id = place.place_id and made.number = asked.code

-- name: known_lots
-- Of these lots (site, number) those that exist.
select asked.scope, asked.code
from unnest(%(scopes)s::text[], %(codes)s::text[]) as asked (scope, code)
join place on place.path = asked.scope
join lot on lot.site_id = place.place_id and lot.number = asked.code

-- name: known_scrap_reasons
-- Of these reasons (enterprise, code) those that exist.
select asked.scope, asked.code
from unnest(%(scopes)s::text[], %(codes)s::text[]) as asked (scope, code)
join place on place.path = asked.scope
join quality_reason reason on reason.enterprise_id = place.place_id
    and reason.outcome = 'scrap' and reason.code = asked.code

-- name: known_rework_reasons
-- Of these reasons (enterprise, code) those that exist.
select asked.scope, asked.code
from unnest(%(scopes)s::text[], %(codes)s::text[]) as asked (scope, code)
join place on place.path = asked.scope
join quality_reason reason on reason.enterprise_id = place.place_id
    and reason.outcome = 'rework' and reason.code = asked.code

-- name: products_in_use
-- Of these products (by position) those that other rows refer to.
select asked.n
from jsonb_to_recordset(%(keys)s::jsonb) as asked (n integer, enterprise text, code text)
join place on place.path = asked.enterprise
join product on product.enterprise_id = place.place_id and product.code = asked.code
where exists (select from planned_run_time used where used.product_id = product.product_id)
    or exists (select from routing_step used where used.product_id = product.product_id)
    or exists (select from production_order used where used.product_id = product.product_id)
    or exists (select from lot used where used.product_id = product.product_id)
    or exists (select from order_run used where used.product_id = product.product_id)
    or exists (select from inspection used where used.product_id = product.product_id)
    or exists (select from scrap_booking used where used.product_id = product.product_id)

-- name: create_seen_keys
-- Keys of an import too long to keep in memory.
create temporary table seen_key (key text primary key, place text not null) on commit drop

-- name: see_keys
-- The keys that were not there yet.
insert into seen_key (key, place)
select * from unnest(%(keys)s::text[], %(places)s::text[])
on conflict (key) do nothing
returning key

-- name: seen_places
-- Where these keys stood first.
select key, place from seen_key where key = any(%(keys)s)

-- name: record_events
-- The trail: one row per change.
insert into master_data_event (
    recorded_at, who, source, reason, kind, scope, key, action, old, new
)
select
    %(now)s, %(who)s, %(source)s, %(reason)s, %(kind)s, event.scope, event.key, event.action,
    nullif(event.old, 'null'), nullif(event.new, 'null')
from jsonb_to_recordset(%(events)s::jsonb)
    as event (scope text, key jsonb, action text, old jsonb, new jsonb)

-- name: reason_parents
-- The tree of reasons of an enterprise.
select code, parent_code from stop_reason
where enterprise_id = (select place_id from place where path = %(scope)s)

-- name: scrap_reason_parents
-- The tree of scrap reasons of an enterprise.
select code, parent_code from quality_reason
where outcome = 'scrap' and enterprise_id = (select place_id from place where path = %(scope)s)

-- name: rework_reason_parents
-- The tree of rework reasons of an enterprise.
select code, parent_code from quality_reason
where outcome = 'rework' and enterprise_id = (select place_id from place where path = %(scope)s)

-- name: site_zone
-- The zone of a site.
select time_zone from place where path = %(site)s

-- name: site_shifts
-- The shifts of a site; breaks as text, which only has to be the same for the same breaks.
select
    pattern.name, pattern.start_local, pattern.end_local, pattern.weekdays, pattern.valid_from,
    pattern.valid_to,
    array_remove(array_agg(pause.name order by pause.name), null),
    array_remove(array_agg(pause.start_local order by pause.name), null),
    array_remove(array_agg(pause.end_local order by pause.name), null)
from shift_pattern pattern
join place on place.place_id = pattern.site_id
left join shift_break pause using (shift_pattern_id)
where place.path = %(site)s
group by pattern.shift_pattern_id
order by pattern.name, pattern.valid_from

-- name: site_rotations
-- The rotations of a site.
select rotation.name, rotation.valid_from, rotation.valid_to, rotation.cycle
from shift_rotation rotation
join place on place.place_id = rotation.site_id
where place.path = %(site)s
order by rotation.valid_from, rotation.name

-- name: site_holidays
-- The days off of a site.
select holiday.day, holiday.works_as, holiday.keeps
from holiday
join place on place.place_id = holiday.site_id
where place.path = %(site)s

-- name: site_hours
-- Hours for which a site has figures.
select distinct hour
from base_sum
join place on place.place_id = base_sum.work_unit_id
where starts_with(place.path, %(site)s || '/')
order by hour

-- part: mark_hours
-- The figures of these hours are to be computed.
insert into dirty_window (work_unit_id, hour, marked_at, cause)
select distinct base_sum.work_unit_id, base_sum.hour, %(now)s::timestamptz, %(cause)s::text

-- part: or_again
-- In one order, so that two markers cannot deadlock; an hour that is marked already is so anew.
order by 1, 2
on conflict (work_unit_id, hour) do update set
    revision = dirty_window.revision + 1, marked_at = excluded.marked_at, cause = excluded.cause

-- name: mark_site_hours
-- In one order, so that two markers cannot deadlock.
{mark_hours}
from base_sum
join place on place.place_id = base_sum.work_unit_id
where starts_with(place.path, %(site)s || '/') and base_sum.hour = any(%(hours)s)
{or_again}

-- name: mark_spans
-- Hours of the machines at or below places that spans touch.
{mark_hours}
from unnest(%(places)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
    as span (path, span_start, span_end)
join place on place.path = span.path or starts_with(place.path, span.path || '/')
join base_sum on base_sum.work_unit_id = place.place_id
    and base_sum.slice_start >= date_trunc('hour', span.span_start)
    and base_sum.slice_start < span.span_end
{or_again}

-- name: mark_orders
-- Hours of a site in which an order was executed.
{mark_hours}
from unnest(%(sites)s::text[], %(numbers)s::text[]) as touched (path, number)
join place on starts_with(place.path, touched.path || '/')
join base_sum on base_sum.work_unit_id = place.place_id
    and base_sum.order_number = touched.number
{or_again}

-- name: mark_run_times
-- Hours in which a product was made while its run time at a machine is another now: of that
-- machine, and of its whole line where it paces the line; `bounded` by the next run time of the
-- product, if there is one. And the hours that a change cuts: the
-- sums of every machine of the line are divided there.
insert into dirty_window (work_unit_id, hour, marked_at, cause)
with touched as (
    select unit.place_id as unit_id, unit.parent_id as line_id, product.code, effect.*, (
        select min(later.valid_from) from planned_run_time later
        where effect.bounded and later.product_id = product.product_id
            and later.work_unit_id = unit.place_id and later.valid_from > effect.span_start
    ) as next_start
    from unnest(
        %(units)s::text[], %(products)s::text[], %(starts)s::timestamptz[],
        %(ends)s::timestamptz[], %(first_cuts)s::timestamptz[], %(second_cuts)s::timestamptz[],
        %(bounded)s::boolean[]
    ) as effect (path, product, span_start, span_end, first_cut, second_cut, bounded)
    join place unit on unit.path = effect.path
    join place enterprise on enterprise.path = split_part(effect.path, '/', 1)
    join product on product.enterprise_id = enterprise.place_id
        and product.code = effect.product
),
hours as (
    select base_sum.work_unit_id, base_sum.hour
    from touched
    join place line on line.place_id = touched.line_id
    join place machine on machine.parent_id = line.place_id
        and (machine.place_id = touched.unit_id or line.bottleneck_id = touched.unit_id)
    join base_sum on base_sum.work_unit_id = machine.place_id
        and base_sum.product_code = touched.code
        and base_sum.slice_end > touched.span_start
        and base_sum.slice_start < least(touched.span_end, touched.next_start, 'infinity')
    union
    select base_sum.work_unit_id, base_sum.hour
    from touched
    join place machine on machine.parent_id = touched.line_id
    join base_sum on base_sum.work_unit_id = machine.place_id
    where base_sum.hour in (
        date_trunc('hour', touched.first_cut), date_trunc('hour', touched.second_cut)
    )
)
select work_unit_id, hour, %(now)s::timestamptz, %(cause)s::text from hours
{or_again}

-- name: mark_order_runs
-- Hours of a machine from a moment to the beginning of the next order on it, at most to another
-- moment.
{mark_hours}
from unnest(
    %(units)s::text[], %(begins)s::timestamptz[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]
) as effect (path, run_start, span_start, span_end)
join place unit on unit.path = effect.path
join base_sum on base_sum.work_unit_id = unit.place_id
    and base_sum.slice_end > effect.span_start
    and base_sum.slice_start < least(effect.span_end, (
        select min(later.started_at) from order_run later
        where later.work_unit_id = unit.place_id and later.started_at > effect.run_start
    ))
{or_again}

-- name: mark_serials
-- Hours of all inspections of parts with a serial number: which of them is the first may be
-- another now.
{mark_hours}
from unnest(%(units)s::text[], %(serials)s::text[]) as touched (path, serial_number)
join place unit on unit.path = touched.path
join inspection made on made.work_unit_id = unit.place_id
    and made.serial_number = touched.serial_number
join base_sum on base_sum.work_unit_id = unit.place_id
    and base_sum.slice_start >= date_trunc('hour', coalesce(made.produced_at, made.inspected_at))
    and base_sum.slice_start <= coalesce(made.produced_at, made.inspected_at)
{or_again}

-- name: mark_meter_tags
-- Hours of the machines that tags belong to: what meters say of a tag outranks its own place.
{mark_hours}
from unnest(%(sites)s::text[], %(tags)s::text[]) as touched (path, name)
join place site on site.path = touched.path
join tag on tag.site_id = site.place_id and tag.name = touched.name
join base_sum on base_sum.work_unit_id = tag.work_unit_id
{or_again}

-- name: high_water
-- Until where a foreign table has been read.
select high_water from foreign_poll where name = %(name)s

-- name: save_high_water
-- In the transaction that wrote what was read.
insert into foreign_poll (name, high_water, polled_at)
values (%(name)s, %(high_water)s, %(now)s)
on conflict (name) do update set
    high_water = excluded.high_water, polled_at = excluded.polled_at

-- name: list_events
-- The trail, newest first, before an event id.
select event_id, recorded_at, who, source, reason, kind, scope, key, action, old, new
from master_data_event
where (%(kind)s::text is null or kind = %(kind)s)
    and (
        %(scope)s::text is null or scope = %(scope)s or starts_with(scope, %(scope)s || '/')
        or scope = split_part(%(scope)s, '/', 1)
    )
    and event_id < %(before)s
order by event_id desc
limit %(limit)s

-- name: import_mappings
-- The mappings of an enterprise by their names.
select kept.name, kept.mapping
from import_mapping kept
join place enterprise on enterprise.place_id = kept.enterprise_id
where enterprise.path = %(enterprise)s
order by kept.name
