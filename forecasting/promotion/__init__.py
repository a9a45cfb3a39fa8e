"""Which model becomes champion, and why: evidence, gates, record.

``gravicast promote`` registers the model and makes it the champion only if its intervals cover what
they say, altering the future changed no feature (the run checks itself), its contributions add up,
and it beats the champion on the same data without a test calling it worse. The version's
description says why or why not.
"""
