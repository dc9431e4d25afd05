"""What a page says of runs, races and events that are no longer what was written."""

from __future__ import annotations

import sqlite3

from core.config import run_config
from core.runs.groups import PlannedRun, create_group
from pages.shared import services
from tests.pages.conftest import OpenPage, words
from tests.stored_runs import ended


def test_what_is_damaged_is_said_and_everything_else_is_there(open_page: OpenPage) -> None:
    store = services.store()
    config = run_config("mlp", {"epochs": 1})
    damaged_id, sound_id = (store.create(config, name=name, request="pause") for name in ("*First*", "Second"))
    ended(store, sound_id)
    create_group(
        store, [PlannedRun(config, 0)], name="My *race*", kind="race", plan={"contestants": []}, request="pause"
    )
    with sqlite3.connect(store.root / "runs.sqlite3") as db:
        db.execute("UPDATE runs SET tags = '{' WHERE run_id = ?", (damaged_id,))
        db.execute(
            "UPDATE events SET payload = replace(payload, '0.5', '0.7') WHERE run_id = ? AND kind = 'epoch'",
            (sound_id,),
        )
        db.execute("UPDATE groups SET plan = '{'")
    at = open_page("pages/lab/train/page.py", run=sound_id)
    assert "1 run is damaged" in words(at)
    (listed,) = (frame.value for frame in at.dataframe if "what is damaged" in frame.value)
    assert listed.iloc[0].tolist() == ["*First*", "damaged", "Its tags can no longer be read.", damaged_id]
    assert "of the 4 events of this run" in words(at)
    assert "Second" in words(at)
    at.button(key="table_damaged").click().run()
    assert not at.exception
    assert "damaged:" not in words(at)
    assert store.damaged_runs() == []
    at.button(key="table_undo").click().run()
    assert "1 run is damaged" in words(at)
    assert "these can not be shown: My *race*" in words(open_page("pages/lab/race/page.py"))
