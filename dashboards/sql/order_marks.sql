-- Orders that a machine worked on, as annotations; one that runs reaches to the end of the range.
select
    i.first as time, least(i.last, $__timeTo()::timestamptz) as "timeEnd",
    i.order_number || coalesce(' · ' || i.product_code, '') as text, 'order' as tags
from (
    select b.order_number, b.product_code, min(b.slice_start) as first, max(b.slice_end) as last
    from base_sum b
    join place_shown u on u.place_id = b.work_unit_id
    where
        u.path = ${place:sqlstring} and b.order_number is not null
        and b.slice_end > $__timeFrom() and b.slice_start < $__timeTo()
    group by b.order_number, b.product_code
) i
order by i.first desc
limit 500
