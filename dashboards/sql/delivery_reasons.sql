-- Rejections of the window by reason, most frequent first.
select r.reason, count(*) as rejections
from rejection r
where $__timeFilter(r.received_time)
group by r.reason
order by rejections desc, r.reason
