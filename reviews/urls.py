from django.urls import path

from reviews.views import imports, parked, reviews, statistics, team, templates

app_name = "reviews"
urlpatterns = [
    path("imports/", imports.page, name="imports"),
    path("imports/<int:pk>/", imports.job, name="import"),
    path("imports/<int:pk>/refused.csv", imports.refusals, name="import_refusals"),
    path("stats/", statistics.page, name="statistics"),
    path("templates/", templates.page, name="reply_templates"),
    path("templates/new/", templates.new, name="reply_template_new"),
    path("templates/preview/", templates.preview, name="reply_template_preview"),
    path("templates/<int:pk>/", templates.edit, name="reply_template"),
    path("templates/<int:pk>/copy/", templates.copy, name="reply_template_copy"),
    path("templates/<int:pk>/use/", templates.use, name="reply_template_use"),
    path("templates/<int:pk>/versions/<int:version>/", templates.restore, name="reply_template_restore"),
    path("team/", team.page, name="team"),
    path("team/<int:pk>/", team.member, name="team_member"),
    path("team/<int:pk>/duty/", team.duty, name="team_duty"),
    path("reviews/", reviews.page, name="reviews"),
    path("reviews/<int:pk>/", reviews.detail, name="review"),
    path("reviews/<int:pk>/reply/", reviews.post_reply, name="review_reply"),
    path("parked/", parked.page, name="parked"),
    path("parked/<int:pk>/retry/", parked.retry, name="parked_retry"),
]
