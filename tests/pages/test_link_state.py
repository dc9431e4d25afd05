"""A link is followed once, and the menu's choice stands in the address."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from pages.shared.link_state import follow_once, remember

    linked = follow_once("fruit", "basket", default="apple")
    st.text(linked or "nothing")
    if linked:
        st.session_state["basket"] = linked
    remember("fruit", "basket", st.text_input("Fruit", key="basket"))


def test_a_link_is_followed_once_and_the_menu_decides_from_then_on() -> None:
    at = AppTest.from_function(page)
    at.query_params["fruit"] = "pear"
    at.run()
    assert (at.text[0].value, at.text_input[0].value) == ("pear", "pear")
    at.text_input[0].set_value("plum").run()
    assert at.text[0].value == "nothing"
    assert at.query_params["fruit"] == "plum"
    at.query_params["fruit"] = "fig"  # another link in the same session
    at.run()
    assert (at.text[0].value, at.text_input[0].value) == ("fig", "fig")


def test_without_the_parameter_its_default_is_followed_and_an_empty_choice_leaves_the_address() -> None:
    at = AppTest.from_function(page).run()
    assert at.text[0].value == "apple"
    assert at.query_params["fruit"] == "apple"
    at.text_input[0].set_value("").run()
    assert "fruit" not in at.query_params


def form_page() -> None:
    import streamlit as st

    from pages.shared.link_state import follow_query_once, remember_query

    linked = follow_query_once("meal", without=["guest"])
    st.text(", ".join(f"{name} {value}" for name, value in linked.items()) or "nothing")
    for name in linked:
        st.session_state[name] = linked[name]
    values = {name: st.text_input(name, key=name) for name in ("fruit", "drink")}
    if "" not in values.values():
        remember_query("meal", values, without=["guest"])


def test_a_link_to_a_whole_form_is_followed_once_and_the_rest_of_the_address_stays() -> None:
    at = AppTest.from_function(form_page)
    at.query_params["fruit"], at.query_params["guest"] = "pear", "Ada"
    at.run()
    assert at.text[0].value == "fruit pear"
    at.text_input(key="fruit").set_value("plum").run()
    assert at.text[0].value == "nothing", "also while the form is not complete, so that the address stays behind"
    assert dict(at.query_params) == {"fruit": "pear", "guest": "Ada"}
    at.text_input(key="drink").set_value("tea").run()
    assert (at.text[0].value, at.text_input(key="fruit").value) == ("nothing", "plum")
    assert dict(at.query_params) == {"fruit": "plum", "drink": "tea", "guest": "Ada"}
