"""The paper: its numbers, and its claims with the rules that decide them."""
