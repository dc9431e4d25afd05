"""A bundle from another Digit Lab is uploaded on Train, and its run stands in the table."""

from __future__ import annotations

import json
from pathlib import Path

from bench.reliability.bundles import made_bundle, unzipped
from core.runs import bundles
from core.runs.imported import import_bundle
from pages.shared.services import store
from tests.pages.conftest import OpenPage, words

FIELD, BUTTON = "import_bundle_{}", "import_bundle"


def test_a_run_from_elsewhere_stands_in_the_table(open_page: OpenPage, tmp_path: Path) -> None:
    content = made_bundle(tmp_path / "elsewhere")
    files = unzipped(content)
    broken = bundles.zipped({**files, "config.json": files["config.json"].replace(b'"mlp"', b'"**vgg**"')})
    at = open_page("pages/lab/train/page.py")
    at.session_state["import_run"] = True
    at.run()
    for turn, (upload, expected) in enumerate(
        [(broken, "architecture is '**vgg**'"), (content, "Zürich 🎈 was imported"), (content, "is here already")]
    ):
        field = at.file_uploader(key=FIELD.format(max(0, turn - 1)))
        field.upload("run.zip", upload).run()
        at.button(key=BUTTON).click().run()
        assert not at.exception, at.exception
        assert expected in words(at)
        assert len(store().runs()) == (turn > 0)
        if not turn:
            assert r"\*\*vgg\*\*" in at.error[0].value, "a stranger's words would be markup"
    (run,) = store().runs()
    assert len(run.owner) == 32
    assert "Zürich 🎈" in at.dataframe[0].value["name"].tolist()
    assert "cpu of another machine" in words(open_page("pages/lab/train/page.py", run=run.run_id))


def test_a_strangers_words_are_no_markup(open_page: OpenPage, tmp_path: Path) -> None:
    files, picture = unzipped(made_bundle(tmp_path / "elsewhere")), "![x](http://192.0.2.1/p.png)"
    lines = files["events.jsonl"].splitlines()
    begun, end = json.loads(lines[0]) | {"device": picture}, json.loads(lines[-1]) | {"reason": picture}
    about = json.loads(files["run.json"])
    changes = {
        "events.jsonl": b"\n".join([json.dumps(begun).encode(), *lines[1:-1], json.dumps(end).encode(), b""]),
        "environment.json": json.dumps(json.loads(files["environment.json"]) | {"cpu": picture}).encode(),
        "run.json": json.dumps(about | {"name": picture, "summary": about["summary"] | {"reason": picture}}).encode(),
    }
    run_id, _ = import_bundle(store(), bundles.zipped({**files, **changes}), "ab" * 16)
    at = open_page("pages/lab/train/page.py", run=run_id)
    texts = [element.value for kind in (at.markdown, at.caption, at.error, at.info, at.success) for element in kind]
    assert sum("192.0.2.1" in text for text in texts) >= 3, "name, machine and reason are shown"
    assert not [text for text in texts if picture in text]
