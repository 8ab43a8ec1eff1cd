"""Numbers about trained nets: what the figures and tables of the paper say, measured."""
