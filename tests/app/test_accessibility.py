"""Both pages in a real browser: screen readers, keyboard, and a phone's width."""

import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.app.hunt_steps import (
    TOP,
    best,
    cards,
    expect_progress,
    labels,
    start_hunt,
    wait_until_ready,
)
from tests.app.similarity_steps import (
    FOUND,
    MATCHED,
    START,
    ask,
    box,
    enlarge,
    expect_matched,
    forms,
    galaxies,
    gallery,
    open_filters,
)
from tests.browser import SETTLED


def axe_problems(page):
    """Return the violations of WCAG 2.1 AA that axe finds, each with the HTML of three elements."""
    results = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    return [
        (violation["id"], [node["html"][:200] for node in violation["nodes"]][:3])
        for violation in results.response["violations"]
    ]


def heading_levels(page):
    """Return the levels of the page's headings, in order."""
    return page.evaluate(
        "() => [...document.querySelectorAll('main h1, main h2, main h3')].map(h => +h.tagName[1])"
    )


def cut_off(page):
    """Return the elements that extend beyond the right edge, as HTML.

    Tables may scroll, and a slider's input is an invisible box around its thumb.
    """
    return page.evaluate(
        """() => [...document.querySelectorAll('main *')].filter(element => {
            const box = element.getBoundingClientRect();
            return element.checkVisibility({contentVisibilityAuto: true}) && box.width
                && box.right > innerWidth + 1
                && !element.closest('.stDataFrame') && !element.matches('input[type=range]');
        }).map(element => element.outerHTML.slice(0, 100))"""
    )


def focused(page, property):
    """Return the text or a style property of the element that has the focus."""
    return page.evaluate(
        """property => {
            const outer = document.activeElement;
            const inner = outer.shadowRoot?.activeElement ?? outer;
            return property == "text" ? inner.innerText : getComputedStyle(inner)[property];
        }""",
        property,
    )


def test_the_search_can_be_used_with_the_keyboard_alone(site, visit):
    page = visit(site.address)
    expect(gallery(page, START).get_by_role("listitem")).to_have_count(24)
    box(page).focus()
    page.keyboard.type(site.survey.iaunames[8])
    page.keyboard.press("Enter")
    expect_matched(page, site.survey.iaunames[8])
    first = galaxies(page)[0]
    box(page).focus()
    for _ in range(30):
        page.keyboard.press("Tab")
        assert focused(page, "outlineStyle") != "none" or focused(page, "boxShadow") != "none"
        if first in focused(page, "text"):
            break
    assert focused(page, "outlineWidth") == "3px"
    page.keyboard.press("Enter")
    expect_matched(page, first)


def test_every_picture_and_every_control_has_a_name(site, visit):
    page = visit(site.address)
    ask(page, site.survey.iaunames[8])
    expect_matched(page, site.survey.iaunames[8])
    for label, count in {MATCHED: 1, FOUND: 24}.items():
        buttons = gallery(page, label).locator("button.galaxy")
        names = [buttons.nth(place).get_attribute("aria-label") for place in range(buttons.count())]
        assert len(set(names)) == count
        pictures = gallery(page, label).locator("img")
        texts = [pictures.nth(place).get_attribute("alt") for place in range(pictures.count())]
        assert texts == [f"Picture of {name}" for name in galaxies(page, label)]
    controls = gallery(page, FOUND).get_by_role("button")
    names = [controls.nth(place).get_attribute("aria-label") for place in range(controls.count())]
    assert len(set(names)) == 4 * 24
    levels = heading_levels(page)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert max(np.diff(levels)) <= 1


def press_until(page, key, reached):
    """Press a key until an element has the focus; fail after as many as a page has elements."""
    for _ in range(300):
        page.keyboard.press(key)
        if reached():
            return
    raise AssertionError("the keyboard does not reach it")


def label_focused(page):
    """Return the name of the element that has the focus: its label, or its text."""
    return page.evaluate(
        """() => {
            let found = document.activeElement;
            while (found.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
            return found.ariaLabel || found.innerText || "";
        }"""
    )


def test_filters_and_the_closer_look_can_be_used_with_the_keyboard_alone(site, visit):
    survey = site.survey
    page = visit(f"{site.address}/?galaxy={survey.iaunames[8].replace('+', '%2B')}")
    expect_matched(page, survey.iaunames[8])
    box(page).focus()
    press_until(page, "Tab", lambda: label_focused(page).strip().endswith("Filters"))
    page.keyboard.press("Enter")
    press_until(page, "Tab", lambda: label_focused(page) == "r magnitude [mag] — start")
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    press_until(page, "Tab", lambda: label_focused(page).strip() == "Apply")
    page.keyboard.press("Enter")
    expect(page.get_by_text("galaxies pass the filters")).to_be_visible()
    page.wait_for_function(SETTLED)
    press_until(page, "Tab", lambda: label_focused(page).startswith("enlarge"))
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(re.compile("r magnitude"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_no_accessibility_problems(site, visit, width):
    page = visit(site.address, width=width, height=844)
    ask(page, forms(site.survey, 8)["degrees"])
    expect_matched(page, site.survey.iaunames[8])
    assert axe_problems(page) == []
    open_filters(page)
    page.get_by_text("Distance", exact=True).first.click()
    expect(page.get_by_text("Euclidean")).to_be_visible()
    assert axe_problems(page) == []
    assert cut_off(page) == []
    enlarge(page, galaxies(page)[0])
    assert axe_problems(page) == []


def in_view(page, element):
    """Tell whether an element is within the window, without scrolling."""
    place, size = element.bounding_box(), page.viewport_size
    return (
        0 <= place["x"] <= place["x"] + place["width"] <= size["width"]
        and 0 <= place["y"] <= place["y"] + place["height"] <= size["height"]
    )


def test_hunt_filters_and_distance_are_within_reach_on_a_phone(hunt_site, visit):
    page = visit(hunt_site.removesuffix("/hunt"), width=390, height=844)
    expect(gallery(page, START).get_by_role("listitem").first).to_be_visible()
    page.wait_for_function(SETTLED)
    assert in_view(page, page.get_by_text("Filters", exact=True))
    assert in_view(page, page.get_by_text("Distance", exact=True).first)
    hunting = page.get_by_role("link", name="Anomaly hunt")
    assert in_view(page, hunting)
    hunting.click()
    start_hunt(page, "phone")
    page.wait_for_function(SETTLED)
    rating = page.get_by_role("button", name="5 of 5, most interesting")
    assert in_view(page, rating)
    rating.click()
    expect_progress(page, 1)


def test_nothing_is_cut_off_at_the_width_of_a_phone(site, visit):
    page = visit(site.address, width=390, height=844)
    ask(page, forms(site.survey, 8)["degrees"])
    expect_matched(page, site.survey.iaunames[8])
    assert cut_off(page) == []
    items = gallery(page, FOUND).get_by_role("listitem")
    tops = [items.nth(place).bounding_box()["y"] for place in range(4)]
    assert tops[0] == tops[1] < tops[2] == tops[3]


@pytest.mark.parametrize("width", [1280, 390])
def test_the_hunt_page_is_accessible(hunt_site, visit, width):
    page = visit(hunt_site, width=width, height=844)
    start_hunt(page, f"everybody-{width}")
    for key in "01234501":
        page.keyboard.press(key)
    expect_progress(page, 8)
    expect(page.get_by_text("undoes the last answer")).to_be_visible()
    for key in "23":
        page.keyboard.press(key)
    expect(page.get_by_role("list", name=TOP).get_by_role("listitem")).to_have_count(50)
    wait_until_ready(page)
    page.wait_for_function(SETTLED)
    assert axe_problems(page) == []
    assert len(set(labels(page))) == 10
    best(page).get_by_role("button").first.click()
    expect(page.get_by_role("dialog").get_by_role("radio", name="5")).to_be_checked()
    page.wait_for_function(SETTLED)
    assert axe_problems(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert cards(page).nth(0).get_attribute("aria-current") == "true"
    levels = heading_levels(page)
    assert levels[0] == 1
    assert max(np.diff(levels)) <= 1
    assert cut_off(page) == []
