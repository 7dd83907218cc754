"""Addresses of the desk: pages, and one POST a verb."""

from django.urls import path

from callbacks.views import acts, calls, case, desk, promises, queue, scripts

app_name = "callbacks"
urlpatterns = [
    path("", desk.desk, name="desk"),
    path("duty/", desk.duty, name="duty"),
    path("callbacks/", promises.promise_list, name="promises"),
    path("cases/", queue.queue, name="queue"),
    path("cases/next/", desk.take_next, name="next_case"),
    path("cases/<int:pk>/", case.case, name="case"),
    path("cases/<int:pk>/take/", acts.take, name="take"),
    path("cases/<int:pk>/release/", acts.release, name="release"),
    path("cases/<int:pk>/reassign/", acts.reassign, name="reassign"),
    path("cases/<int:pk>/cause/", acts.correct_cause, name="correct_cause"),
    path("cases/<int:pk>/signals/", acts.look_again, name="look_again"),
    path("cases/<int:pk>/phone/", calls.reveal, name="reveal"),
    path("cases/<int:pk>/call/", calls.start_call, name="start_call"),
    path("cases/<int:pk>/call/stage/", calls.tick, name="tick"),
    path("cases/<int:pk>/call/notes/", calls.keep_notes, name="keep_notes"),
    path("cases/<int:pk>/call/end/", calls.end_call, name="end_call"),
    path("cases/<int:pk>/promise/", calls.promise, name="promise"),
    path("cases/<int:pk>/promise/cancel/", calls.cancel_promise, name="cancel_promise"),
    path("cases/<int:pk>/remedies/", acts.remedy, name="remedy"),
    path("cases/<int:pk>/remedies/<int:remedy>/decide/", acts.decide_remedy, name="decide_remedy"),
    path("cases/<int:pk>/reply/", acts.reply_save, name="reply_save"),
    path("cases/<int:pk>/reply/hand-in/", acts.reply_hand_in, name="reply_hand_in"),
    path("cases/<int:pk>/reply/posted/", acts.reply_posted, name="reply_posted"),
    path("cases/<int:pk>/message/", acts.message, name="message"),
    path("cases/<int:pk>/review-words/", acts.tell_of_review, name="tell_of_review"),
    path("cases/<int:pk>/close/", acts.close, name="close"),
    path("cases/<int:pk>/reopen/", acts.reopen, name="reopen"),
    path("scripts/", scripts.page, name="scripts"),
    path("scripts/preview/", scripts.preview, name="script_preview"),
    path("scripts/<str:code>/", scripts.stage, name="script_stage"),
    path("scripts/<str:code>/reset/", scripts.reset, name="script_reset"),
    path("scripts/<str:code>/versions/<int:version>/", scripts.restore, name="script_restore"),
]
