"""Which one is wrong: a guess opens the answer, another pair closes it."""

import numpy as np
import pytest

from zfutils.widgets import drawing
from zfutils.widgets.blink import Pair, WhichIsWrong


@pytest.fixture
def quiz():
    pairs = [Pair(np.full((8, 8, 3), 10 * n, np.uint8), np.full((8, 8, 3), 10 * n + 5, np.uint8), f"mistake {n}") for n in range(1, 7)]
    made = WhichIsWrong(pairs, title="Which one is wrong?", seed=3)
    yield made
    made.pipeline.close()


def sides(quiz: WhichIsWrong) -> list[bytes]:
    assert quiz.pipeline.settle(20)
    return [box.children[0].value for box in quiz.panel.images.children]


def test_nothing_is_told_before_the_guess_and_the_wrong_side_after_it(quiz):
    own, wrong = quiz.pairs[0], quiz.wrong[0]
    shown = sides(quiz)
    assert shown["AB".index(wrong)] == drawing.png(own.wrong) and shown[1 - "AB".index(wrong)] == drawing.png(own.right)
    assert "mistake" not in quiz.panel.said.value and quiz.blink.layout.display == "none"
    quiz.controls["guess"].value = wrong
    assert sides(quiz) == shown and f"Yes: {wrong} is wrong" in quiz.panel.said.value
    assert quiz.blink.layout.display == "" and [quiz.blink.first, quiz.blink.second] == [drawing.png(own.right), drawing.png(own.wrong)]


def test_another_pair_is_open_again_and_the_first_guess_counts(quiz):
    quiz.controls["guess"].value = "A"
    quiz.controls["guess"].value = "B"
    said = quiz.score.value
    quiz.controls["pair"].value = 2
    assert sides(quiz) and quiz.controls["guess"].value == "not yet" and quiz.blink.layout.display == "none"
    assert quiz.guesses == {1: "A"} and f"{int(quiz.wrong[0] == 'A')} of 1" in said


def test_all_pairs_are_there_and_both_sides_are_taken(quiz):
    assert sorted(pair.what for pair in quiz.pairs) == [f"mistake {n}" for n in range(1, 7)]
    assert set(quiz.wrong) == {"A", "B"} and [line.split(": ")[0] for line in quiz.answers()] == [f"pair {n}" for n in range(1, 7)]


def test_the_image_stands_beside_its_pair_where_there_is_one():
    plain, image = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 9, np.uint8)
    made = WhichIsWrong([Pair(plain, plain + 1, "a mistake", image)], title="Which one is wrong?", seed=0)
    assert sides(made)[0] == drawing.png(image) and len(sides(made)) == 3
    made.pipeline.close()


def test_the_row_on_the_page_tells_nothing(quiz):
    figure = quiz.figure([{"pair": 1}, {"pair": 2}], columns=4)
    shown = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title() for axis in shown] == ["pair 1: A", "pair 1: B", "pair 2: A", "pair 2: B"]
    wrong = shown["AB".index(quiz.wrong[1]) + 2].images[0].get_array()
    assert (wrong == quiz.pairs[1].wrong).all()
