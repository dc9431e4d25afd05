"""Pieces of screen, and the doors to the core, that two pages or more share."""
