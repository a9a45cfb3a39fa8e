"""Which plots there are and how each is drawn: `plots` lists them, one module a family draws.

Adding a plot is a function and one entry of ``KINDS``; see CONTRIBUTING.md.
"""
