"""The producer's dashboard: how the products of one's own teams are found and used."""
