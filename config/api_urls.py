"""Every address of the API, version 1."""

from django.urls import path, re_path

from callbacks.api import telephone
from reviews.api import cases, docs, orders, reviews, statistics

app_name = "api"
urlpatterns = [
    path("orders/", orders.OrderList.as_view(), name="orders"),
    path("orders/batch/", orders.OrderBatch.as_view(), name="orders_batch"),
    path("orders/<int:pk>/", orders.OrderDetail.as_view(), name="order"),
    path("reviews/", reviews.ReviewList.as_view(), name="reviews"),
    path("reviews/batch/", reviews.ReviewBatch.as_view(), name="reviews_batch"),
    path("reviews/<int:pk>/", reviews.ReviewDetail.as_view(), name="review"),
    path("cases/", cases.CaseList.as_view(), name="cases"),
    path("cases/<int:pk>/", cases.CaseDetail.as_view(), name="case"),
    path("statistics/", statistics.StatisticsView.as_view(), name="statistics"),
    path("calls/events/", telephone.LineEvents.as_view(), name="line_events"),
    path("schema/", docs.Schema.as_view(), name="schema"),
    path("docs/", docs.SwaggerPage.as_view(), name="docs"),
    re_path(r"", docs.NoSuchAddress.as_view(), name="nowhere"),
]
