"""What pages show of a finished run: the HTML report and the scoreboard.

In a search ``gravicast run --no-figures --no-report`` saves the drawing, half of a small
run's time; ``gravicast report RUN`` makes the page of those that are worth it.
"""
