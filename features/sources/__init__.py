"""Where each public source is and how it is read: one module per source.

Adding a source is a connector here and one line of `features.store.registry`; see CONTRIBUTING.md.
"""
