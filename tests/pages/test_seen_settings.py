"""What pages say of runs that read shuffled pixels, were told wrong labels, or began with zeros."""

from __future__ import annotations

from tests.pages.conftest import OpenPage, Train, moving, words

SHUFFLED = "the same pixels, shuffled"


def test_inside_shows_the_digit_as_networks_with_shuffled_pixels_see_it(open_page: OpenPage, train: Train) -> None:
    plain, mixed = train("softmax", name="plain"), train("softmax", name="mixed", pixel_order="shuffled")
    both = open_page("pages/lab/inside/page.py", run=f"{plain.run_id},{mixed.run_id}")
    assert f"What mixed sees: {SHUFFLED}" in words(both)
    assert SHUFFLED not in words(open_page("pages/lab/inside/page.py", run=plain.run_id))


def test_train_explains_the_line_of_true_labels_and_why_zeros_stay(open_page: OpenPage, train: Train) -> None:
    told_wrong, zeros = train("mlp", label_noise=0.5), train("mlp", init="zeros")
    at = open_page("pages/lab/train/page.py", run=f"{told_wrong.run_id},{zeros.run_id}")
    assert "wrong labels 0.5" in words(at)
    snapshot = moving(at)[-1]["snapshot"]
    assert "By the true labels" in snapshot["note"]
    assert "All weights began at 0" in dict(snapshot["advice"])[zeros.label]
    alone = moving(open_page("pages/lab/train/page.py", run=zeros.run_id))[-1]["snapshot"]
    assert "By the true labels" not in alone["note"]
