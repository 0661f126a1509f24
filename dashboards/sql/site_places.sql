-- Enterprises and sites to choose from, each named by the way to it.
select way_vi as __text, path as __value
from place_shown
where level in ('enterprise', 'site')
order by flow
