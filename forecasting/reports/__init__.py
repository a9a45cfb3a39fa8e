"""Pages about a finished run: the HTML report and the scoreboard."""
