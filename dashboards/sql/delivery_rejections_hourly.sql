-- Rejections per hour and reason; whole hours, wherever the range begins.
select
    date_bin('1 hour', r.received_time, timestamptz '2000-01-01 00:00:00+00') as time,
    r.reason as path, r.reason as name, count(*)::float8 as value
from rejection r
where
    r.received_time >= date_bin('1 hour', $__timeFrom()::timestamptz, timestamptz '2000-01-01 00:00:00+00')
    and r.received_time < $__timeTo()
group by 1, 2
order by 1, 2
