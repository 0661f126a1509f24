-- name: place_version
-- A number that is another one after any change of places.
select version from place_version

-- name: places
-- Every place, parents before children and machines in the order of the flow. Below a site
-- every place has the site's time zone.
with recursive tree as (
    select p.*, p.time_zone as zone, array[p.position, p.place_id] as sort_key
    from place p
    where p.parent_id is null
    union all
    select p.*, coalesce(p.time_zone, tree.zone), tree.sort_key || array[p.position, p.place_id]
    from place p
    join tree on tree.place_id = p.parent_id
)
select
    tree.place_id, tree.path, tree.level, parent.path as parent, tree.name_vi, tree.name_en,
    tree.position, tree.zone as time_zone, tree.line_kind, bottleneck.path as bottleneck
from tree
left join place parent on parent.place_id = tree.parent_id
left join place bottleneck on bottleneck.place_id = tree.bottleneck_id
order by tree.sort_key

-- name: untold_sites
-- Sites whose figures are not told outside of their enterprise.
select place_id from site_disclosure where not is_told

-- name: tags
-- Tags of work units; without their places, which are known and cost a join each.
select
    t.tag_id, t.site_id, t.work_unit_id, e.code, t.name, t.value_type, t.role, t.unit,
    t.description, t.low, t.high, t.max_silence_s
from tag t
join edge e on e.edge_id = t.edge_id
where t.work_unit_id = any(%(units)s)
order by t.name

-- name: count_tags
-- How many tags work units have.
select count(*) from tag where work_unit_id = any(%(units)s)

-- name: find_tag
-- The tag that a site's path and a name stand for.
select t.tag_id, t.value_type, t.unit
from tag t
join place site on site.place_id = t.site_id
where site.path = %(site)s and t.name = %(name)s

-- name: number_measurements
-- One page of a number tag; rows of the same source time are told apart by counting them off.
select source_time, received_time, value, quality
from measurement
where tag_id = %(tag_id)s and source_time >= %(from_time)s and source_time < %(end)s
order by source_time, received_time, value, quality
offset %(skip)s
limit %(limit)s

-- name: text_measurements
-- One page of a text tag; see number_measurements.
select source_time, received_time, value, quality
from text_measurement
where tag_id = %(tag_id)s and source_time >= %(from_time)s and source_time < %(end)s
order by source_time, received_time, value, quality
offset %(skip)s
limit %(limit)s

-- part: result
r.place_id as place, r.kind, r.window_start as start, r.window_end as end, r.business_date, r.shift,
    r.availability, r.effectiveness, r.quality_ratio, r.oee, r.coverage,
    r.availability_low, r.availability_high, r.missing, r.faults,
    r.pbt_ms, r.apt_ms, r.aust_ms, r.adet_ms, r.adot_ms, r.unknown_ms,
    r.produced_quantity, r.good_quantity, r.scrap_quantity, r.rework_quantity,
    r.failure_events, r.energy_kwh, r.run_time_coverage, r.policy_version, r.formula_version, r.as_of, r.final

-- part: overlapping
r.place_id = any(%(places)s) and r.kind = %(kind)s
    and r.window_start < %(end)s and r.window_end > %(start)s
    -- None is longer: what is older is not looked through.
    and r.window_start > %(start)s::timestamptz - interval '2 days'

-- part: then
    select distinct on (v.place_id, v.kind, v.window_start) v.*
    from (
        select
            r.place_id, r.kind, r.window_start, r.window_end, r.business_date, r.shift,
            r.availability, r.effectiveness, r.quality_ratio, r.oee, r.coverage, r.availability_low,
            r.availability_high, r.missing, r.faults, r.pbt_ms, r.apt_ms, r.aust_ms, r.adet_ms,
            r.adot_ms, r.unknown_ms, r.produced_quantity, r.good_quantity, r.scrap_quantity,
            r.rework_quantity, r.failure_events, r.energy_kwh, r.run_time_coverage,
            r.policy_version, r.formula_version, least(r.as_of, %(as_of)s::timestamptz) as as_of,
            true as final, 'infinity'::timestamptz as shown_until
        from oee_result r
        where
            r.final and coalesce(r.final_since, r.as_of) <= %(as_of)s
            and r.place_id = any(%(places)s) and r.kind = %(kind)s
            and r.window_start < %(end)s and r.window_end > %(start)s
            and r.window_start > %(start)s::timestamptz - interval '2 days'
        union all
        select
            r.place_id, r.kind, r.window_start, r.window_end, r.business_date, r.shift,
            r.availability, r.effectiveness, r.quality_ratio, r.oee, r.coverage, r.availability_low,
            r.availability_high, r.missing, r.faults, r.pbt_ms, r.apt_ms, r.aust_ms, r.adet_ms,
            r.adot_ms, r.unknown_ms, r.produced_quantity, r.good_quantity, r.scrap_quantity,
            r.rework_quantity, r.failure_events, r.energy_kwh, r.run_time_coverage,
            r.policy_version, r.formula_version, least(r.as_of, %(as_of)s::timestamptz), true,
            r.shown_until
        from oee_result_past r
        where
            r.final_since <= %(as_of)s and r.shown_until > %(as_of)s
            and r.place_id = any(%(places)s) and r.kind = %(kind)s
            and r.window_start < %(end)s and r.window_end > %(start)s
            and r.window_start > %(start)s::timestamptz - interval '2 days'
    ) v
    order by v.place_id, v.kind, v.window_start, v.shown_until

-- part: table
coalesce(array_agg(r.place_id), '{}'), coalesce(array_agg(r.window_start), '{}'),
    coalesce(array_agg(r.window_end), '{}'),
    coalesce(array_agg(coalesce(r.availability, 'NaN')), '{}'),
    coalesce(array_agg(coalesce(r.effectiveness, 'NaN')), '{}'),
    coalesce(array_agg(coalesce(r.quality_ratio, 'NaN')), '{}'),
    coalesce(array_agg(coalesce(r.oee, 'NaN')), '{}'),
    coalesce(array_agg(coalesce(r.coverage, 'NaN')), '{}'),
    coalesce(array_agg(coalesce(r.pbt_ms::float8, 'NaN')), '{}'),
    coalesce(array_agg(coalesce(r.produced_quantity, 'NaN')), '{}'),
    coalesce(array_agg(coalesce(r.good_quantity, 'NaN')), '{}'),
    coalesce(array_agg(
        case
            when r.oee is null
            then coalesce(array_position(%(reasons)s::text[], r.missing ->> 'oee'), 0)
            else -1
        end
    ), '{}'),
    coalesce(array_agg(r.final::integer), '{}'), coalesce(array_agg((r.faults <> '{}')::integer), '{}')

-- name: results
-- OEE results whose window overlaps the asked one, by number of the place: its path is known.
select
    {result}
from oee_result r
where
    {overlapping}
order by r.window_start

-- name: results_then
-- The same as they were final at a moment.
select
    {result}
from (
{then}
) r
order by r.window_start

-- name: result_table
-- The main figures of many places and windows: one array per column, NaN for no value.
select
    {table}
from oee_result r
where
    {overlapping}

-- name: result_table_then
-- The same as they were final at a moment.
select
    {table}
from (
{then}
) r

-- name: result_windows
-- What the windows of a table of figures are called: by the first place that has one.
select asked.window_start, asked.window_end, named.shift, named.business_date
from unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) as asked (window_start, window_end)
cross join lateral (
    select r.shift, r.business_date
    from oee_result r
    where
        r.kind = %(kind)s and r.window_start = asked.window_start
        and r.window_end = asked.window_end and r.place_id = any(%(places)s)
    order by r.place_id
    limit 1
) named
order by asked.window_start, asked.window_end

-- name: result_windows_then
-- The same as they were called at a moment.
with known as (
{then}
)
select asked.window_start, asked.window_end, named.shift, named.business_date
from unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) as asked (window_start, window_end)
cross join lateral (
    select r.shift, r.business_date
    from known r
    where
        r.kind = %(kind)s and r.window_start = asked.window_start
        and r.window_end = asked.window_end and r.place_id = any(%(places)s)
    order by r.place_id
    limit 1
) named
order by asked.window_start, asked.window_end

-- name: latest_shifts
-- The two newest shifts that have begun: the present one, if any, and the last one.
select
    p.path as place, r.kind, r.window_start as start, r.window_end as end, r.business_date, r.shift,
    r.availability, r.effectiveness, r.quality_ratio, r.oee, r.coverage,
    r.availability_low, r.availability_high, r.missing, r.faults,
    r.pbt_ms, r.apt_ms, r.aust_ms, r.adet_ms, r.adot_ms, r.unknown_ms,
    r.produced_quantity, r.good_quantity, r.scrap_quantity, r.rework_quantity,
    r.failure_events, r.energy_kwh, r.run_time_coverage, r.policy_version, r.formula_version, r.as_of, r.final
from place p
cross join lateral (
    select *
    from oee_result s
    where s.place_id = p.place_id and s.kind = 'shift' and s.window_start <= %(now)s
    order by s.window_start desc
    limit 2
) r
where p.place_id = any(%(places)s)
order by p.path, r.window_start desc

-- name: states
-- States clipped to the window; neighbours that say the same are one row. Rows are cut at hours,
-- so none that began two hours before the window reaches into it. A stop has the reason of its
-- whole, which a person may have given.
with said as materialized (
    select work_unit_id, start_time, coalesce(end_time, 'infinity') as end_time, stop_reason
    from stop
    where
        work_unit_id = any(%(units)s) and start_time < %(end)s
        and (end_time is null or end_time > %(start)s)
        and classification_id is not null
),
reasoned as (
    select i.*, coalesce(said.stop_reason, i.stop_reason) as reason
    from state_interval i
    left join said on
        said.work_unit_id = i.work_unit_id and i.element in ('delay', 'down')
        and i.start_time >= said.start_time and i.start_time < said.end_time
    where
        i.work_unit_id = any(%(units)s)
        and i.start_time > %(start)s - interval '2 hours'
        and i.start_time < %(end)s and i.end_time > %(start)s
),
clipped as (
    select
        i.work_unit_id, i.element, i.state, i.stop_kind, i.reason as stop_reason, i.order_number,
        i.product_code,
        greatest(i.start_time, %(start)s) as start_time,
        least(i.end_time, %(end)s) as end_time,
        row(i.element, i.state, i.stop_kind, i.reason, i.order_number, i.product_code)
            as content
    from reasoned i
),
marked as (
    select
        *,
        (
            lag(content) over neighbours is distinct from content
            or lag(end_time) over neighbours is distinct from start_time
        )::integer as begins
    from clipped
    window neighbours as (partition by work_unit_id order by start_time)
),
numbered as (
    select *, sum(begins) over (partition by work_unit_id order by start_time) as run
    from marked
)
select
    p.path as place, min(n.start_time) as start, max(n.end_time) as end, n.element, n.state,
    n.stop_kind, n.stop_reason, n.order_number as order, n.product_code as product
from numbered n
join place p on p.place_id = n.work_unit_id
group by
    p.path, n.run, n.element, n.state, n.stop_kind, n.stop_reason, n.order_number, n.product_code
order by p.path, 2

-- name: stops
-- Stops that overlap the window, whole, newest first; one that lasts counts up to the present.
select
    p.path as place, s.start_time as start, s.end_time as end,
    (extract(epoch from coalesce(s.end_time, greatest(%(now)s, s.start_time)) - s.start_time)
        - s.paused_ms / 1000.0)::float8 as duration_s,
    s.element, s.state, s.stop_kind, s.stop_reason,
    case
        when s.classification_id is not null then 'person'
        when nullif(s.stop_reason, '') is not null then 'machine'
    end as reason_source,
    said.classified_at,
    extract(epoch from coalesce(s.end_time, greatest(%(now)s, s.start_time)) - s.start_time)
        - s.paused_ms / 1000.0 < policy.threshold_s as minor
from stop s
join place p on p.place_id = s.work_unit_id
left join lateral (
    select
        coalesce(
            (o.minor_stop_thresholds_s ->> substr(p.path, length(site.path) + 2))::float8,
            o.minor_stop_threshold_s
        ) as threshold_s
    from oee_policy o
    join place site on site.place_id = o.site_id
    where starts_with(p.path, site.path || '/')
    order by o.version desc
    limit 1
) policy on true
left join stop_classification said on said.classification_id = s.classification_id
where
    s.work_unit_id = any(%(units)s) and s.start_time < %(end)s
    and (s.end_time is null or s.end_time > %(start)s)
    -- Behind the last row of the page before; without one that is the end of the window.
    and s.start_time <= %(before)s
    and (s.start_time < %(before)s or p.path > %(behind)s)
order by s.start_time desc, p.path
limit %(limit)s

-- name: pareto
-- Time and number of stops per reason, clipped to the window, planned time within them cut out. A
-- stop without an order explains itself; any other without a reason is unassigned.
with clipped as (
    select
        coalesce(
            nullif(s.stop_reason, ''),
            case s.element when 'down' then '@no_order' else '@unassigned' end
        ) as reason,
        split_part(p.path, '/', 1) as enterprise,
        (
            extract(
                epoch from
                least(coalesce(s.end_time, %(now)s), %(end)s) - greatest(s.start_time, %(start)s)
            )
            - case when s.paused_ms = 0 then 0 else (
                select coalesce(sum(extract(
                    epoch from
                    least(i.end_time, %(end)s, s.end_time) - greatest(i.start_time, %(start)s)
                )), 0)
                from state_interval i
                where
                    i.work_unit_id = s.work_unit_id and i.element not in ('delay', 'down')
                    and i.start_time >= s.start_time
                    and i.start_time < least(coalesce(s.end_time, %(now)s), %(end)s)
                    and i.end_time > %(start)s
            ) end
        )::float8 as duration_s
    from stop s
    join place p on p.place_id = s.work_unit_id
    where
        s.work_unit_id = any(%(units)s) and s.start_time < least(%(end)s, %(now)s)
        and (s.end_time is null or s.end_time > %(start)s)
)
select
    c.reason, max(r.name_vi) as name_vi, max(r.name_en) as name_en,
    sum(c.duration_s) as duration_s, count(*) as count
from clipped c
left join place enterprise on enterprise.path = c.enterprise
left join stop_reason r on r.enterprise_id = enterprise.place_id and r.code = c.reason
group by c.reason
order by duration_s desc, c.reason

-- name: stop_reasons
-- The names of an enterprise's stop reasons.
select r.code, r.name_vi, r.name_en
from stop_reason r
join place enterprise on enterprise.place_id = r.enterprise_id
where enterprise.path = %(enterprise)s

-- name: reason_choices
-- The tree of an enterprise's reasons; on how many stops of some machines each holds lately.
with used as (
    select stop_reason as code, count(*) as used
    from stop
    where work_unit_id = any(%(units)s) and start_time >= %(since)s
    group by stop_reason
)
select r.code, r.parent_code as parent, r.name_vi, r.name_en, coalesce(used.used, 0) as used
from stop_reason r
join place enterprise on enterprise.place_id = r.enterprise_id
left join used on used.code = r.code
where enterprise.path = %(enterprise)s
order by used desc, r.stop_reason_id

-- name: knows_stop
-- Whether a work unit has a stop that holds a moment, or one was classified there before: stops
-- are derived again when data come late.
select 1
from stop
where
    work_unit_id = %(unit)s and start_time <= %(moment)s
    and (end_time is null or end_time > %(moment)s)
union all
select 1
from stop_classification
where work_unit_id = %(unit)s and stop_start = %(moment)s
limit 1

-- name: hour_counts
-- Parts per hour and the number that planned busy time would allow at planned run time per item;
-- time without a product has no planned run time and adds nothing to the target.
select
    b.hour,
    sum(b.pbt_ms)::bigint as pbt_ms,
    case when bool_and(b.produced_quantity is not null) then sum(b.produced_quantity) end
        as produced_quantity,
    case when bool_and(b.good_quantity is not null) then sum(b.good_quantity) end as good_quantity,
    case when bool_and(b.scrap_quantity is not null) then sum(b.scrap_quantity) end
        as scrap_quantity,
    sum(b.pbt_ms / (1000 * pri.seconds)) as target
from base_sum b
left join lateral (
    select t.seconds
    from planned_run_time t
    join product on product.product_id = t.product_id
    where
        product.code = b.product_code and t.work_unit_id = b.work_unit_id
        and t.valid_from <= b.slice_start
        and (t.valid_to is null or t.valid_to > b.slice_start)
    order by t.valid_from desc
    limit 1
) pri on true
where b.work_unit_id = %(unit)s and b.hour >= %(start)s and b.hour < %(end)s
group by b.hour
order by b.hour

-- name: trends
-- Means of good values per bin, for small charts.
select tag_id, date_bin(%(bin)s, source_time, timestamptz '2000-01-01 00:00:00+00') as moment,
    avg(value) as mean
from measurement
where
    tag_id = any(%(tags)s) and source_time >= %(start)s and source_time < %(end)s and quality = 0
group by 1, 2
order by 1, 2

-- name: unit_edges
-- Which edges measure which work units, and when each last spoke.
select distinct
    unit.path as work_unit, site.path || '/' || e.code as edge,
    coalesce(s.online, false) as online, s.reported_at
from tag t
join place unit on unit.place_id = t.work_unit_id
join edge e on e.edge_id = t.edge_id
join place site on site.place_id = e.site_id
left join edge_status s on s.edge_id = e.edge_id
where t.work_unit_id = any(%(units)s)
order by 1, 2

-- name: progress
-- How much work waits, and what was refused so far.
select
    (select count(*) from dirty_window) as dirty_windows,
    (select count(*) from rejection) as rejections

-- name: schema_present
-- Whether migrations have run.
select to_regclass('oee_result') is not null

-- name: judgements
-- What counters of machines showed that is no plain growth, newest first, with what people said.
select
    p.path as place, tag.name as tag, tag.role, j.source_time as moment, j.event as judgement,
    j.level, j.shown, j.counted, j.doubt, said.verdict, said.comment, said.role as said_by,
    said.said_at
from counter_judgement j
join place p on p.place_id = j.work_unit_id
join tag using (tag_id)
left join lateral (
    select v.verdict, v.comment, v.role, v.said_at
    from counter_verdict v
    where v.tag_id = j.tag_id and v.source_time = j.source_time
    order by v.said_at desc, v.verdict_id desc
    limit 1
) said on true
where
    j.work_unit_id = any(%(units)s) and j.source_time >= %(start)s and j.source_time < %(end)s
order by j.source_time desc, p.path, tag.name
limit %(limit)s

-- name: corrections
-- What people said of readings of counters and of where stops begin, newest first: all of it.
select place, tag, moment, correction, comment, said_by, said_at
from (
    select
        p.path as place, tag.name as tag, v.source_time as moment, v.verdict as correction, v.comment,
        v.role as said_by, v.said_at, v.verdict_id as number
    from counter_verdict v
    join tag using (tag_id)
    join place p on p.place_id = tag.work_unit_id
    where
        tag.work_unit_id = any(%(units)s) and v.source_time >= %(start)s
        and v.source_time < %(end)s
    union all
    select p.path, null, d.moment, d.kind, '', d.role, d.said_at, d.division_id
    from stop_division d
    join place p on p.place_id = d.work_unit_id
    where
        d.work_unit_id = any(%(units)s) and d.moment >= %(start)s and d.moment < %(end)s
) every
order by said_at desc, number desc
limit %(limit)s

-- name: allow_time
-- How long a statement of this session may take.
select set_config('statement_timeout', %(longest)s, false)
