"""What to do about what the platform refuses, by its reason."""

_MENDING = {
    "unknown_tag": "the birth was refused for this tag, or never arrived; see its own refusal",
    "unknown_work_unit": "correct work_unit in the edge's settings, or add the machine to the "
    "plant description",
    "role_conflict": "give the role to one tag of the machine, of the right type",
    "tag_of_other_edge": "stop the other edge that reports this tag, or name the tag otherwise",
    "too_many_tags": "announce fewer tags, or raise limits.max_tags of the ingest",
    "wrong_type": "set value_type of the tag to what the machine says",
    "unknown_quality": "report it to the makers: a quality of 0, 1 or 2 was expected",
    "too_long": "shorten the text at its source, or raise limits.max_text_length of the ingest",
    "unstorable": "correct the value at its source",
    "future_source_time": "set the clock of the machine or the edge (NTP)",
    "past_source_time": "set the clock of the machine or the edge (NTP)",
    "out_of_range": "correct low and high of the tag, or see to the sensor",
    "too_large": "lower publishing.batch_bytes, or raise limits.max_payload_bytes of the ingest",
    "unknown_edge": "add the edge to `edges` of its site in the plant description",
    "edge_revoked": "enrol it again with an invitation (`nhipmay edge invite`)",
    "not_enrolled": "enrol it with an invitation (`nhipmay edge invite`)",
    "no_birth": "nothing: the birth is said again",
    "store_refused": "correct the value at its source; its raw form is kept at the platform",
}


def mend_of(reason: str) -> str:
    """Return what to do about a reason of the page of the protocol."""
    return _MENDING.get(reason, "see the rows of the table `rejection` with this reason")
