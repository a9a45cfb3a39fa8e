"""What pages show of a finished run: the HTML report and the scoreboard.

Drawing takes half of a small run's time: ``gravicast run --no-figures --no-report`` leaves it out,
and ``gravicast report RUN`` makes up for it.
"""
