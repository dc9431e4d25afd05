"""Figures: frames and arrays in, Plotly figures (or one composed picture, or ten bars in HTML) out. Nothing is computed
about a model in here.

Plotly takes half a second to import, so it is loaded by the submodules and never by this package itself.
"""
