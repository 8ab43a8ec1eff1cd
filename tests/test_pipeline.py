"""State → compute → draw: the latest request is answered, none is queued, what is slow says so, what fails leaves the rest."""

import threading
import time
from dataclasses import dataclass

import pytest

from zfutils.core.errors import Problem
from zfutils.widgets import pipeline
from zfutils.widgets.pipeline import Memory, Pipeline, View


@dataclass(frozen=True)
class State:
    number: int
    other: int = 0


class Page:
    """Records what is computed, drawn and said."""

    def __init__(self, work=lambda state, check: state.number):
        self.computed, self.drawn, self.said, self.work = [], [], [], work

    def view(self, name="view", needs=("number",)) -> View:
        def compute(state, check):
            self.computed.append(state.number)
            return self.work(state, check)

        return View(name, needs, "nothing", compute, self.drawn.append, self.said.append)


@pytest.fixture
def opened():
    """Builds pipelines that end with the test."""
    made = []

    def build(*views):
        made.append(Pipeline(list(views)))
        return made[-1]

    yield build
    for one in made:
        one.close()


def test_an_answer_is_drawn_once_and_kept(opened):
    page = Page()
    lines = opened(page.view())
    for state in (State(1), State(1, other=5), State(2), State(1)):
        lines.request(state)
        assert lines.settle(10)
    assert page.drawn == [1, 2, 1], "a state that differs in what the view does not need draws nothing"
    assert page.computed == [1, 2], "what was computed before is not computed again"


def test_twenty_quick_moves_end_with_the_last_and_are_not_queued(opened):
    going = threading.Event()

    def slow(state, check):
        going.set()
        for _ in range(100):
            time.sleep(0.005)
            check()
        return state.number

    page = Page(slow)
    lines = opened(page.view())
    for number in range(20):
        lines.request(State(number))
        if number == 0:
            assert going.wait(10)
    assert lines.settle(20)
    assert page.drawn == [19] and len(page.computed) <= 3, "stale requests are given up or never begun"


def test_what_is_slow_says_so_and_takes_it_back(opened, monkeypatch):
    monkeypatch.setattr(pipeline, "BUSY", 0.01)
    page = Page(lambda state, check: time.sleep(0.2) or state.number)
    lines = opened(page.view())
    lines.request(State(1))
    assert lines.settle(10) and page.said == ["computing …", ""]


def test_what_goes_wrong_is_told_in_one_line_and_the_other_views_go_on(opened):
    def failing(state, check):
        if state.number == 1:
            raise Problem("no such unit; take another")
        if state.number == 2:
            raise RuntimeError("shapes\ndo not fit")
        return state.number

    page, whole = Page(failing), Page()
    lines = opened(page.view("failing"), whole.view("whole"))
    for number in (1, 2, 3):
        lines.request(State(number))
        assert lines.settle(10)
    assert page.said[0] == "⚠ no such unit; take another"
    assert page.said[1] == "⚠ RuntimeError: shapes do not fit; choose another net, layer or picture" and page.said[2] == ""
    assert page.drawn == ["nothing", "nothing", 3] and whole.drawn == [1, 2, 3]


def test_memory_forgets_the_oldest():
    memory = Memory(2)
    for key in "abac":
        memory.get(key, lambda key=key: key.upper())
    assert "a" in memory and "c" in memory and "b" not in memory
