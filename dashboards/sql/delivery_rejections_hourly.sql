-- Rejections per hour and reason.
select
    date_bin('1 hour', r.received_time, timestamptz '2000-01-01 00:00:00+00') as time,
    r.reason as metric,
    count(*)::float8 as value
from rejection r
where $__timeFilter(r.received_time)
group by 1, 2
order by 1, 2
