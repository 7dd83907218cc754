"""What the search of reviews and cases looks in: one row a review."""

from django.db import models

from reviews.models.reviews import Review


class SearchText(models.Model):
    """What a review is found by (reviews.search writes it); its index is reviews.pairs.

    `text` is found by any part, `numbers` (each between blanks) from their beginning. The row is the queue as
    well: a `stale` one waits for the worker to write it anew.
    """

    review = models.OneToOneField(
        Review, on_delete=models.CASCADE, primary_key=True, related_name="search_text"
    )
    text = models.TextField(blank=True)
    numbers = models.TextField(blank=True)
    stale = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["review"], name="search_stale", condition=models.Q(stale=True))]

    def __str__(self) -> str:
        return f"{self.review_id}"
