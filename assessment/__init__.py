"""From figures to the department's assessment records: evidence, never a score.

Rooms: `framework` holds criteria sets as data, `scoring` computes what people declared and proposes
levels that people confirm, `evidence` turns values into the metrics E01 to E18, `document` writes
reports in the form of NĐ 30/2020, `bundle` signs what leaves the house.
"""
