"""What the marketplace counts itself: views, searches, impressions, clicks and opens; no person is in it."""
