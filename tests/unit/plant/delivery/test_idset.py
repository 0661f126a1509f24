from plant.delivery.idset import EMPTY, IdSet


def test_spans_are_joined_when_they_overlap_or_touch() -> None:
    assert IdSet.of([(5, 8), (1, 3), (3, 4), (7, 9), (20, 20)]).spans == ((1, 4), (5, 9))


def test_missing_names_every_gap_of_the_window_only() -> None:
    ids = IdSet(((3, 5), (8, 9)))

    assert ids.missing(1, 12) == [(1, 3), (5, 8), (9, 12)]
    assert ids.missing(3, 5) == []
    assert ids.missing(4, 6) == [(5, 6)]
    assert EMPTY.missing(1, 3) == [(1, 3)]


def test_contiguous_to_ends_before_the_first_gap() -> None:
    assert EMPTY.contiguous_to() == 0
    assert IdSet(((2, 9),)).contiguous_to() == 0
    assert IdSet(((1, 5), (7, 9))).contiguous_to() == 4
    assert IdSet(((1, 5),)).union(IdSet(((5, 7),))).contiguous_to() == 6


def test_length_counts_ids() -> None:
    assert len(IdSet(((1, 5), (7, 9)))) == 6


def test_a_union_is_the_same_whether_ids_come_after_touch_or_overlap() -> None:
    ids = IdSet(((1, 5), (7, 9)))

    assert ids.union(IdSet(((12, 14),))).spans == ((1, 5), (7, 9), (12, 14))
    assert ids.union(IdSet(((9, 11), (13, 14)))).spans == ((1, 5), (7, 11), (13, 14))
    assert ids.union(IdSet(((5, 8),))).spans == ((1, 9),)
    assert ids.union(EMPTY) == ids == EMPTY.union(ids)
