-- Figures of the newest window that was over when they were formed: one that still runs has seen
-- a part only.
select
    r.oee, r.availability, r.effectiveness, r.quality_ratio, r.coverage,
    nullif(array_to_string(r.faults, ', '), '') as faults
from oee_result r
join place_shown s on s.place_id = r.place_id
where
    s.path = ${place:sqlstring} and r.kind = ${kind:sqlstring}
    and r.window_end <= $__timeTo() and r.as_of >= r.window_end
order by r.window_start desc
limit 1
