-- name: slices
-- Base sums of machines by slice, with the planned run time of their product on them, then.
select
    b.*, p.path as place,
    coalesce(own.seconds, operation.seconds / operation.parts_per_cycle) as run_time_s
from base_sum b
join place p on p.place_id = b.work_unit_id
left join product on
    product.code = b.product_code
    and product.enterprise_id = (
        select place_id from place where path = split_part(p.path, '/', 1)
    )
left join lateral (
    select t.seconds, t.valid_to
    from planned_run_time t
    where
        t.product_id = product.product_id and t.work_unit_id = b.work_unit_id
        and t.valid_from <= b.slice_start
    order by t.valid_from desc
    limit 1
) own on own.valid_to is null or own.valid_to > b.slice_start
left join lateral (
    select s.seconds, s.parts_per_cycle, s.valid_to
    from routing_step s
    where
        s.product_id = product.product_id and s.work_unit_id = b.work_unit_id
        and s.valid_from <= b.slice_start
    order by s.valid_from desc
    limit 1
) operation on operation.valid_to is null or operation.valid_to > b.slice_start
where b.work_unit_id = any(%(units)s) and b.hour >= %(start)s and b.hour < %(end)s
order by b.slice_start, p.path

-- name: targets
-- Targets of a place and of those that hold it, the nearest place first; of one place the one that
-- began last first.
select target.valid_from, target.valid_to, target.planned_oee, length(p.path) as nearness
from oee_target target
join place p on p.place_id = target.place_id
where p.path = %(place)s or starts_with(%(place)s, p.path || '/')
order by nearness desc, target.valid_from desc

-- name: shifts
-- Shifts of business days that figures of places were formed of.
select distinct business_date, shift, window_start as start, window_end as end
from oee_result
where
    place_id = any(%(places)s) and kind = 'shift' and shift is not null
    and business_date between %(first)s and %(last)s
order by start, shift

-- name: orders
-- Orders that machines executed, each from its first to its last slice on any of them.
select
    order_number as order, max(product_code) as product, min(slice_start) as start,
    max(slice_end) as end
from base_sum
where
    work_unit_id = any(%(units)s) and order_number <> ''
    and (%(since)s::timestamptz is null or hour >= %(since)s)
    and (%(order)s::text is null or order_number = %(order)s)
group by order_number
order by max(slice_end) desc, order_number
limit %(limit)s

-- name: state_times
-- Time of machines by hour, time element, kind of stop and reason; a stop has the reason of its
-- whole, which a person may have given. Rows of state_interval are cut at hours.
select
    p.path as place, date_bin('1 hour', i.start_time, timestamptz '2000-01-01 00:00:00+00') as hour,
    i.element, i.stop_kind, nullif(coalesce(s.stop_reason, i.stop_reason), '') as reason,
    (1000 * sum(extract(epoch from i.end_time - i.start_time)))::bigint as duration_ms
from state_interval i
join place p on p.place_id = i.work_unit_id
left join lateral (
    select o.stop_reason
    from stop o
    where
        o.work_unit_id = i.work_unit_id and i.element in ('delay', 'down')
        and o.start_time <= i.start_time and (o.end_time is null or o.end_time > i.start_time)
    order by o.start_time desc
    limit 1
) s on true
where i.work_unit_id = any(%(units)s) and i.start_time >= %(start)s and i.start_time < %(end)s
group by 1, 2, 3, 4, 5
order by 1, 2

-- name: faults
-- What is wrong or missing in the figures of shifts: per place and code, how often and when last.
select
    p.path as place, found.code, count(*) as windows, max(r.window_start) as last_start,
    min(r.window_start) as first_start
from oee_result r
join place p on p.place_id = r.place_id
cross join lateral (
    select unnest(r.faults) as code
    union
    select value from jsonb_each_text(r.missing)
) found
where
    r.place_id = any(%(places)s) and r.kind = 'shift' and r.window_start < %(end)s
    and r.window_end > %(start)s
group by p.path, found.code
order by p.path, windows desc, found.code

-- name: process_values
-- Good values of a number tag while its machine produced, in time order, each moment once.
select distinct on (m.source_time) m.source_time, m.value
from measurement m
join tag t on t.tag_id = m.tag_id
where
    m.tag_id = %(tag_id)s and m.source_time >= %(start)s and m.source_time < %(end)s
    and m.quality = 0 and m.value is not null
    and exists (
        select 1
        from state_interval i
        where
            i.work_unit_id = t.work_unit_id and i.start_time <= m.source_time
            and i.start_time > m.source_time - interval '2 hours' and i.end_time > m.source_time
            and i.element in ('production', 'unscheduled_production')
    )
order by m.source_time, m.received_time
limit %(limit)s

-- name: changeovers
-- Changes of product on machines, each with the last good part before it and the first one from it
-- on, at most a day away. A machine without a counter of good parts has its total counter asked. A
-- reading that only makes good a dip of at most a hundredth is no part.
with made as (
    select
        work_unit_id, product_code, slice_start,
        lag(product_code) over (partition by work_unit_id order by slice_start) as before
    from base_sum
    where
        work_unit_id = any(%(units)s) and hour >= %(start)s::timestamptz - interval '1 day'
        and hour < %(end)s and product_code is not null
)
select
    p.path as place, made.before as from_product, made.product_code as to_product,
    made.slice_start as changed_at, last.source_time as last_good,
    first.source_time as first_good
from made
join place p on p.place_id = made.work_unit_id
left join lateral (
    select tag_id, role in ('good_increment', 'total_increment') as adds
    from tag
    where
        work_unit_id = made.work_unit_id
        and role in ('good_count', 'good_increment', 'total_count', 'total_increment')
    order by role
    limit 1
) counter on true
left join lateral (
    select m.source_time
    from measurement m
    cross join lateral (
        select array(
            select e.value
            from measurement e
            where
                e.tag_id = m.tag_id and e.source_time < m.source_time
                and e.source_time >= m.source_time - interval '1 day'
                and e.quality < 2 and e.value is not null
            order by e.source_time desc
            limit 2
        ) as v
    ) before
    where
        m.tag_id = counter.tag_id and m.quality < 2
        and m.source_time < made.slice_start
        and m.source_time >= made.slice_start - interval '1 day'
        and case
            when counter.adds then m.value > 0
            when v[2] > v[1] and v[1] >= 0.99 * v[2] then m.value > v[2]
            else m.value > v[1]
        end
    order by m.source_time desc
    limit 1
) last on true
left join lateral (
    select m.source_time
    from measurement m
    cross join lateral (
        select array(
            select e.value
            from measurement e
            where
                e.tag_id = m.tag_id and e.source_time < m.source_time
                and e.source_time >= m.source_time - interval '1 day'
                and e.quality < 2 and e.value is not null
            order by e.source_time desc
            limit 2
        ) as v
    ) before
    where
        m.tag_id = counter.tag_id and m.quality < 2
        and m.source_time >= made.slice_start
        and m.source_time < made.slice_start + interval '1 day'
        and case
            when counter.adds then m.value > 0
            when v[2] > v[1] and v[1] >= 0.99 * v[2] then m.value > v[2]
            else m.value > v[1]
        end
    order by m.source_time
    limit 1
) first on true
where
    made.before <> made.product_code and made.slice_start >= %(start)s
    and made.slice_start < %(end)s
order by made.slice_start, p.path

-- name: as_of
-- Up to when the results of a place are counted, and whether all of them are final.
select max(as_of) as as_of, coalesce(bool_and(final), false) as final
from oee_result
where
    place_id = %(place)s and kind = 'hour' and window_start >= %(start)s and window_start < %(end)s
