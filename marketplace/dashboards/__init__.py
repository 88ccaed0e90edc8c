"""What each side of the market sees of its own: one subpackage a side. Above the catalogue, whose parts it shows."""
