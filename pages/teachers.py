"""The address /teachers on a server that nobody has opened yet; the page itself stands one folder down."""

from pages.shared.deep_link import enter

enter()
