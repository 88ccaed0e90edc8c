"""What leaves the marketplace: its products in the field's formats, for programs and crawlers."""
