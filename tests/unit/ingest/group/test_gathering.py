from ingest.decoding.parcel import DataParcel, Parcel
from ingest.group.gathering import Gathering
from ingest.settings import LimitSettings
from tests.plants.deliveries import data

LIMITS = LimitSettings()


def test_messages_of_an_edge_become_parcels_of_a_handy_size() -> None:
    gathering = Gathering(LIMITS)
    for first in range(1, 9_001):
        gathering.add(data(first, [float(first)]))

    parcels = gathering.parcels()

    assert [parcel.rows for parcel in parcels] == [4_096, 4_096, 808]
    assert numbers(parcels) == [float(k) for k in range(1, 9_001)]


def test_nothing_changes_when_columns_are_made_before_the_end() -> None:
    gathering = Gathering(LIMITS)
    for first in (1, 3, 5):
        gathering.add(data(first, [1.0 * first, 2.0 * first]))
        gathering.close()
        assert gathering.parcels() == gathering.parcels()
    gathering.add(data(7, [7.0]))
    gathering.add(data(8, [8.0]))

    parcels = gathering.parcels()

    assert [parcel.rows for parcel in parcels] == [2, 2, 2, 2]
    assert numbers(parcels) == [1.0, 2.0, 3.0, 6.0, 5.0, 10.0, 7.0, 8.0]


def numbers(parcels: list[Parcel]) -> list[float]:
    assert all(isinstance(parcel, DataParcel) for parcel in parcels)
    return [
        value
        for parcel in parcels
        if isinstance(parcel, DataParcel)
        for value in parcel.number.tolist()
    ]
