"""The page of anomalies in Chromium: four steps, an event from toast to cause, a false alarm."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from api import ApiSettings
from plant.settings import ClockSettings, DatabaseSettings
from store.anomaly import event as event_store
from store.anomaly import model as model_store
from store.anomaly.event import EventRow
from tests.peers.serving import served
from tests.plants.figure_plant import SAW, at
from tests.plants.watched_plant import Watch, WatchedPlant, part, readings

NOW = 9.0


@pytest.fixture
def plant(database: DatabaseSettings) -> Iterator[WatchedPlant]:
    found = WatchedPlant(database)
    times, values = readings(NOW)
    # The same harmless thing twice, and a fault.
    for start in (5.0, 6.5):
        values[part(start) : part(start + 0.1), 1] += 3.0
    values[part(7.4) : part(7.6), 2] += 3.0
    found.say(times, values)
    found.add_tag("cua/copy", SAW)
    (row,) = found.rows("select tag_id from tag where name = 'cua/copy'")
    found.tags["cua/copy"] = row["tag_id"]
    found.say(times, np.asarray(values[:, :1] * 1.8 + 32), ["cua/copy"])
    found.run_steadily(SAW, 0, 7.8)
    found.run_steadily(SAW, 7.8, NOW, state="ABORTED")
    found.report(NOW)
    found.settle(NOW)
    yield found
    found.close()


@pytest.fixture
def watch(database: DatabaseSettings) -> Iterator[Watch]:
    found = Watch(database)
    yield found
    found.close()


@pytest.fixture
def base(plant: WatchedPlant, port: int) -> Iterator[str]:
    clock = ClockSettings(wall_origin=at(NOW), plant_origin=at(NOW), until=at(NOW))
    with served(ApiSettings(database=plant.database, clock=clock, port=port)):
        yield f"http://127.0.0.1:{port}"


def test_four_steps_an_event_from_toast_to_cause_and_a_false_alarm_taken_back(
    plant: WatchedPlant, watch: Watch, base: str, page: Page, tmp_path: Path
) -> None:
    page.goto(f"{base}/anomalies/{SAW}?lang=vi")

    # 1. Signals, with the reasons of those left out.
    row = page.locator("#signals tr", has_text="cua/current")
    expect(row).to_contain_text("trùng với cua/copy")
    expect(page.locator("#signals tr", has_text="cua/good_count")).to_contain_text("là bộ đếm")
    row.get_by_role("checkbox").check()
    page.locator("#signals tr", has_text="cua/copy").last.get_by_role("checkbox").uncheck()
    expect(page.locator("#step")).to_have_value("10")
    page.locator("#train-to").fill("2026-03-03T09:00")
    page.locator("#trial-to").fill("2026-03-03T12:00")
    page.locator("#learn-rows").fill("400")
    page.screenshot(path=tmp_path / "anomaly-signals.png", full_page=True)
    page.get_by_role("button", name="Bắt đầu học").click()

    # 2. Learning, with what is missing.
    expect(page.locator("#path [aria-current]")).to_contain_text("Học")
    watch.now = at(NOW)
    watch.until(NOW)
    expect(page.locator("#missing")).to_contain_text("truc: đã học đủ")

    # 3. What it would have raised: a false alarm, taken back.
    expect(page.locator("#trial-words")).to_contain_text("sẽ báo 1 lần")
    page.screenshot(path=tmp_path / "anomaly-trial.png", full_page=True)
    page.locator("#trial-events button").click()
    expect(page.locator("#detail-causes figure").first).to_contain_text("cua/vibration")
    page.get_by_role("button", name="Không phải bất thường").click()
    expect(page.locator("#detail-said")).to_contain_text("Không phải bất thường")
    page.screenshot(path=tmp_path / "anomaly-false-alarm.png", full_page=True)
    page.locator("#detail-close").click()

    # 4. Approved; the same thing again is no alarm, the fault is.
    page.get_by_role("button", name="Duyệt và bắt đầu giám sát").click()
    expect(page.locator("#live-words")).to_contain_text("đang giám sát")
    watch.until(NOW)

    page.goto(f"{base}/place/{SAW}?lang=vi")
    toast = page.locator(".toast")
    expect(toast).to_contain_text("cua: bất thường cua/oil")
    expect(toast).to_have_count(1)
    # Whoever goes on to another page before looking is told there again.
    page.reload()
    expect(toast).to_have_count(1)
    page.screenshot(path=tmp_path / "anomaly-toast.png")
    toast.get_by_role("link", name="Xem").click()
    expect(page.locator("#detail-context")).to_contain_text("Sản phẩm: truc")
    expect(toast).to_have_count(0)
    expect(page.locator("#detail-causes figure").first).to_contain_text("cua/oil")
    page.locator("#cause").fill("thiếu dầu")
    page.locator("#stop").select_option(index=1)
    page.screenshot(path=tmp_path / "anomaly-event.png", full_page=True)
    page.get_by_role("button", name="Xác nhận nguyên nhân").click()
    expect(page.locator("#detail-said")).to_contain_text("Đã xác nhận · thiếu dầu")
    expect(page.locator("#events li")).to_have_count(0)
    expect(page.locator("#trust")).to_contain_text("100")
    page.screenshot(path=tmp_path / "anomaly-closed.png", full_page=True)


def test_a_model_that_has_wandered_goes_back_to_what_was_approved_by_a_button(
    plant: WatchedPlant, watch: Watch, base: str, page: Page, tmp_path: Path
) -> None:
    model_id = plant.propose((0, 2), 4)
    watch.until(NOW)
    assert model_store.approve(plant.connection, model_id, at(5), "an")
    watch.until(NOW - 0.5)
    oil = {"tag_id": plant.tags["cua/oil"], "share": 1.0, "deviation": 5.2}
    told = EventRow(
        event_id=f"m{model_id}-wander-1-1",
        work_unit_id=plant.unit_id,
        model_id=model_id,
        kind="wander",
        tag_id=plant.tags["cua/oil"],
        start_time=at(NOW - 2),
        opened_at=at(NOW - 2),
        end_time=None,
        peak=5.2,
        severity=1.0,
        relearned=False,
        trial=False,
        causes=[oil | {"actual": 1.56, "expected": 0.3}],
        context={"bound": 4.0},
    )
    event_store.write_events(plant.connection, [told])

    page.goto(f"{base}/anomalies/{SAW}?lang=vi#{told.event_id}")
    expect(page.locator("#detail-title")).to_contain_text("Mô hình trôi khỏi bản đã duyệt")
    expect(page.locator("#detail-context")).to_contain_text("lớn gấp 5,2 lần lúc duyệt")
    figure = page.locator("#detail-causes figure")
    expect(figure).to_contain_text("nay 1,56")
    expect(figure).to_contain_text("lúc duyệt 0,3")
    page.locator("#detail").screenshot(path=tmp_path / "anomaly-wander.png")
    page.get_by_role("button", name="Trở lại như lúc duyệt").click()
    expect(page.locator("#detail-said")).to_contain_text("trở lại như lúc duyệt")
    expect(page.locator("#wandered")).to_be_hidden()
    watch.until(NOW)
    (event,) = (one for one in plant.events() if one["kind"] == "wander")
    assert event["end_time"] == at(NOW)
    assert plant.model(model_id).settings["as_approved"]


def test_a_limit_of_a_signal_is_set_and_shelved_for_an_hour(
    base: str, page: Page, tmp_path: Path
) -> None:
    page.goto(f"{base}/anomalies/{SAW}?lang=vi")
    page.locator("#limit-tag").select_option("cua/oil")
    page.locator("#limit-value").fill("44.5")
    page.get_by_role("button", name="Đặt giới hạn").click()
    limit = page.locator("#limits tr")
    expect(limit).to_contain_text("> 44,5")
    limit.get_by_role("button", name="Tạm tắt 1 giờ").click()
    expect(limit).to_contain_text("tạm tắt đến 16:00")
    page.screenshot(path=tmp_path / "anomaly-limits.png", full_page=True)


def test_a_channel_says_who_is_told_and_when_and_is_taken_away(
    base: str, page: Page, tmp_path: Path
) -> None:
    page.goto(f"{base}/anomalies/{SAW}?lang=vi")
    page.get_by_role("link", name="Ai được báo, khi nào").click()
    expect(page.locator("#no-channels")).to_contain_text("Chưa ai được báo")

    page.locator("#channel-kind").select_option("mqtt")
    page.locator("#channel-target").fill("ca-truc/#")
    page.get_by_role("button", name="Thêm kênh").click()
    expect(page.locator("#trouble")).to_contain_text("topic")
    page.locator("#channel-target").fill("ca-truc/cua")
    page.locator("#channel-escalate").fill("20")
    page.locator("#channel-quiet-from").fill("22:00")
    page.locator("#channel-quiet-to").fill("05:30")
    page.get_by_role("button", name="Thêm kênh").click()

    channel = page.locator("#channels tr")
    expect(channel).to_contain_text("MQTT ca-truc/cua")
    expect(channel).to_contain_text("chỉ khi chưa ai xem sau 20 phút")
    expect(channel).to_contain_text("yên tĩnh 22:00–05:30")
    expect(page.locator("#trouble")).to_be_hidden()
    page.screenshot(path=tmp_path / "anomaly-channels.png", full_page=True)
    channel.get_by_role("button", name="Bỏ").click()
    expect(page.locator("#no-channels")).to_be_visible()
