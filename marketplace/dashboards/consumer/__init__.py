"""The consumer's dashboard: what one follows and opened lately, how it is doing, and what changed."""
