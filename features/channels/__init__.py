"""Which features there are and how each is computed: one module a channel.

Adding a feature is one entry of ``FEATURES`` in a module here; see CONTRIBUTING.md.
"""
