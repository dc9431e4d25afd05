"""The address /compare on a server that nobody has opened yet; the page itself stands one folder down."""

from pages.parts.door import enter

enter()
