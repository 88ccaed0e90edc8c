"""Runs the quality rules of contracts on the data: rules, engine (in a process of its own), results as OORS."""
