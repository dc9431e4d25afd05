"""A bundle from another Digit Lab is uploaded on Train, and its run stands in the table."""

from __future__ import annotations

from pathlib import Path

from bench.reliability.bundles import made_bundle, unzipped
from core.runs import bundles
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
