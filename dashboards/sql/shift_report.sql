-- Every shift of the range and each line: figures, counts, coverage and what is wrong with them,
-- newest first.
select
    r.business_date::text as day, r.shift, s.shown_vi as name, s.path, r.oee, r.availability,
    r.effectiveness, r.quality_ratio, r.coverage, r.good_quantity as good, r.scrap_quantity as scrap,
    r.failure_events as failures, r.unknown_ms / 1000.0::float8 as unknown_s, r.energy_kwh,
    r.as_of >= r.window_end as whole, array_to_string(r.faults, ', ') as faults, r.final
from oee_result r
join place_shown s on s.place_id = r.place_id
where
    (s.path = ${place:sqlstring} or starts_with(s.path, ${place:sqlstring} || '/'))
    and s.level in ('work_center', 'work_unit') and r.kind = 'shift'
    and r.window_start < $__timeTo() and r.window_end > $__timeFrom()
order by r.window_start desc, s.flow
limit 2000
