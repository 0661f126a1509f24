"""What people correct, in Chromium: judgements of counters, stops divided and joined."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from api import ApiSettings
from plant.settings import ClockSettings, DatabaseSettings
from tests.peers.serving import served
from tests.plants.figure_plant import SAW, FigurePlant, at
from tests.watched_page import Watched

STEP = 1 / 180


@pytest.fixture
def plant(database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(database)
    for first, last, state in ((0, 0.25, "EXECUTE"), (0.25, 0.75, "HELD"), (0.75, 1.0, "EXECUTE")):
        moments = [first + n * STEP for n in range(round((last - first) / STEP))]
        plant.write(SAW, "state", [(moment, state) for moment in moments])
    minutes = [number / 60 for number in range(61)]
    counts = [(hour, 5000.0 + n) for n, hour in enumerate(minutes)]
    # After half an hour somebody sets the counter, which then shows 7.
    plant.write(SAW, "good_count", [(h, v if h < 0.5 else v - 5023) for h, v in counts])
    plant.write(SAW, "scrap_count", [(hour, 0.0) for hour in minutes])
    plant.report(1.1)
    plant.settle(1.1)
    yield plant
    plant.close()


@pytest.fixture
def base(plant: FigurePlant, port: int) -> Iterator[str]:
    clock = ClockSettings(wall_origin=at(1.1), plant_origin=at(1.1), until=at(1.1))
    with served(ApiSettings(database=plant.database, clock=clock, port=port)):
        yield f"http://127.0.0.1:{port}"


def test_a_judgement_is_corrected_and_a_stop_divided_and_joined(
    plant: FigurePlant, watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    page.goto(f"{watched.base}/corrections/{SAW}?lang=vi")
    judged = page.locator("#judgements tr")
    expect(judged).to_have_count(1)
    expect(judged).to_contain_text("về không")
    expect(judged).to_contain_text("cua/good_count")
    judged.get_by_role("button", name="Sửa").click()
    page.locator("#comment").fill("đã xem máy")
    page.get_by_role("button", name="Không làm gì, đếm tiếp từ đây").click()
    expect(page.locator("#trouble")).to_have_text("Đã ghi. Số liệu đang được tính lại.")
    said = "Không làm gì, đếm tiếp từ đây · đã xem máy"
    expect(page.locator("#history tr").first).to_contain_text(said)
    plant.settle(1.1)
    expect(judged).to_contain_text("đã được người sửa")
    expect(judged).to_contain_text(said)

    stops = page.locator("#stops tr")
    expect(stops).to_have_count(1)
    stops.get_by_role("button", name="Chia đôi").click()
    page.locator("#after").fill("10")
    page.screenshot(path=tmp_path / "corrections.png", full_page=True)
    page.get_by_role("button", name="Chia lần dừng").click()
    expect(page.locator("#division")).to_be_hidden()
    plant.settle(1.1)
    expect(stops).to_have_count(2)
    expect(stops.first).to_contain_text("20 min")
    stops.first.get_by_role("button", name="Nối với lần trước").click()
    expect(page.locator("#history tr").first).to_contain_text("nối tại đây")
    plant.settle(1.1)
    expect(stops).to_have_count(1)
    expect(stops).to_contain_text("30 min")
    # Everything that was said is still there.
    expect(page.locator("#history tr")).to_have_count(3)
    assert watched.fits()
    assert watched.troubles == []
