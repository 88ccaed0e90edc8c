"""`make bench`: measures the whole stack, as ratios within one run where machines differ."""
