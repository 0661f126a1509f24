-- Time elements of each machine; a stop that executes an order says of which kind it is.
-- Rows are cut at hours, so none that began two hours before the window reaches into it.
-- The last row of a machine has no state: it ends the last band.
with shown as (
    select
        i.start_time, i.end_time,
        line.name_vi || ' · ' || u.name_vi as machine,
        case i.element when 'delay' then coalesce(i.stop_kind, i.element) else i.element end
            as state
    from state_interval i
    join place u on u.place_id = i.work_unit_id
    join place line on line.place_id = u.parent_id
    where
        (u.path = ${place:sqlstring} or starts_with(u.path, ${place:sqlstring} || '/'))
        and i.start_time > $__timeFrom()::timestamptz - interval '2 hours'
        and i.start_time < $__timeTo() and i.end_time > $__timeFrom()
)
select greatest(start_time, $__timeFrom()) as time, machine, state
from shown
union all
select max(end_time), machine, null
from shown
group by machine
order by time, machine
