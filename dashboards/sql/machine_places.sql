-- Machines to choose from, each named by the way to it.
select way_vi as __text, path as __value
from place_shown
where level = 'work_unit'
order by flow
