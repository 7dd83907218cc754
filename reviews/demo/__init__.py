"""Demo shops, their orders, reviews and histories as data (see README.md here)."""
