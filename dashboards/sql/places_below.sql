-- Of the chosen place and every line and machine below it, the newest window of the range that was
-- over; a place without one is listed, too.
select
    s.shown_vi as name, s.path, r.window_start, r.shift, r.oee, r.availability, r.effectiveness,
    r.quality_ratio, r.coverage, r.availability_low, r.availability_high, r.good_quantity as good,
    r.scrap_quantity as scrap, array_to_string(r.faults, ', ') as faults, r.final
from place_shown s
left join lateral (
    select o.*
    from oee_result o
    where o.place_id = s.place_id and o.kind = ${kind:sqlstring}
        and o.window_end > $__timeFrom() and o.window_end <= $__timeTo()
        and o.as_of >= o.window_end
    order by o.window_start desc
    limit 1
) r on true
where
    (s.path = ${place:sqlstring} or starts_with(s.path, ${place:sqlstring} || '/'))
    and s.level in ('site', 'work_center', 'work_unit')
order by s.flow
limit 5000
