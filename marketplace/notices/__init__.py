"""What a person follows and keeps, and what is told to them: follows, saved searches, the inbox."""
