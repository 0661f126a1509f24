-- What each machine does now, since when, and its shift so far: one row a machine, in the order of
-- the flow.
select
    s.shown_vi as name, s.path, last.state, last.since, r.oee, r.coverage, r.good_quantity as good,
    r.scrap_quantity as scrap, nullif(array_to_string(r.faults, ', '), '') as faults, r.as_of
from place_shown s
left join lateral (
    select
        case i.element when 'delay' then coalesce(i.stop_kind, i.element) else i.element end as state,
        least(i.start_time, coalesce(st.start_time, i.start_time)) as since
    from state_interval i
    left join stop st on st.work_unit_id = i.work_unit_id and st.end_time is null
    where i.work_unit_id = s.place_id
    order by i.start_time desc
    limit 1
) last on true
left join lateral (
    select o.*
    from oee_result o
    where o.place_id = s.place_id and o.kind = 'shift'
    order by o.window_start desc
    limit 1
) r on true
where
    (s.path = ${place:sqlstring} or starts_with(s.path, ${place:sqlstring} || '/'))
    and s.level = 'work_unit'
order by s.flow
limit 200
