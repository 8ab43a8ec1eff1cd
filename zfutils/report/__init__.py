"""What is written and drawn: results, verdicts, scoreboard, figures."""
