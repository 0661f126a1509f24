-- Share of planned busy time with a trustworthy signal, per hour and machine; null when no time
-- was planned.
select
    b.hour as time,
    line.name_vi || ' · ' || u.name_vi as metric,
    1 - sum(b.unknown_ms)::float8 / nullif(sum(b.pbt_ms), 0)::float8 as value
from base_sum b
join place u on u.place_id = b.work_unit_id
join place line on line.place_id = u.parent_id
where
    (u.path = ${place:sqlstring} or starts_with(u.path, ${place:sqlstring} || '/'))
    and b.slice_end > $__timeFrom() and b.slice_start < $__timeTo()
group by b.hour, u.path, line.name_vi, u.name_vi
order by b.hour, u.path
