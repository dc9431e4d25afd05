"""Words: what the words on the other pages mean, all in one place."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from pages.shared.glossary import Term, terms


def fits(term: Term, wanted: str) -> bool:
    """Whether a word, one of its forms or its text has what was typed."""
    return wanted.casefold() in "\n".join((term.name, *term.also, term.text)).casefold()


st.title("Words")
st.write("What the words on the other pages mean, each in a sentence or two.")
wanted = st.text_input("Search", key="words_search", placeholder="epoch", live=True, width=320).strip()
shown = [term for term in terms().values() if fits(term, wanted)]
if not shown:
    st.info("No word here has that in it.", icon=":material/search_off:")
for group, members in groupby(shown, key=lambda term: term.group):
    st.subheader(group)
    with st.grid(2, min_column_width=320):
        for term in members:
            also = f" :gray[also: {', '.join(term.also)}]" if term.also else ""
            st.markdown(f"**{term.name}**{also}  \n{term.text}")
