-- Measurements per minute as they arrived, by hour.
select l.hour as time, sum(l.count)::float8 / 60 as per_minute
from delivery_lag l
where l.hour > $__timeFrom()::timestamptz - interval '1 hour' and l.hour < $__timeTo()
group by l.hour
order by l.hour
