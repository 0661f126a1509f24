-- What is said of the figures of each site by shift, as annotations.
select
    r.window_start as time, r.window_end as "timeEnd",
    s.way_vi || ': ' || array_to_string(r.faults, ', ') as text, 'mark' as tags
from oee_result r
join place_shown s on s.place_id = r.place_id
where
    s.level = 'site' and r.kind = 'shift' and cardinality(r.faults) > 0
    and r.window_end > $__timeFrom() and r.window_start < $__timeTo()
order by r.window_start desc
limit 500
