"""Which well-formed data are implausible: who vanishes, jumps, or counts twice.

Findings are printed, kept in ``run.json`` and shown in the report. Looked for are traders without
exports or imports in the last years (late reporters) or in between, whose years are read as missing
(``--late zero`` where they stopped); an incomplete last year; totals and large flows that jump by a
factor of 20 or more (slips of units); countries that succeed others; trade that does not fit
GDP or a trained model's data. What is certain ends the run: a trader or sector that is the sum of
all others, or a file in another unit than the trained model's. The rest are warnings, which end the
run with ``--strict``; ``--accept trader-jump,succession`` settles those that are right.
"""
