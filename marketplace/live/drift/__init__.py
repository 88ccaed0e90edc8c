"""Drift: what changed in a contract since it was last seen, how grave that is, and which version it deserves.

`versions`, `facts`, `kinds`, `judging`, `renames` and `comparing` are pure; `kept` is Redis, `noticing` writes events.
"""
