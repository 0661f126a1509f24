-- Scrapped parts per hour and machine; null where a part of the hour was not counted.
select
    b.hour as time,
    line.name_vi || ' · ' || u.name_vi as metric,
    case when bool_and(b.scrap_quantity is not null) then sum(b.scrap_quantity) end as value
from base_sum b
join place u on u.place_id = b.work_unit_id
join place line on line.place_id = u.parent_id
where
    (u.path = ${place:sqlstring} or starts_with(u.path, ${place:sqlstring} || '/'))
    and b.slice_end > $__timeFrom() and b.slice_start < $__timeTo()
group by b.hour, u.path, line.name_vi, u.name_vi
order by b.hour, u.path
