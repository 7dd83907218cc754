"""The places of a script where words stand: a stage, or a stage after one answer of the buyer."""

from callbacks.models import Answer, CallOutcome, Stage
from callbacks.models.scripts import ANSWERS_AT, Spot

# How a call ends that goes on with this answer; an answer without a row ends nothing.
ENDS: dict[Answer, CallOutcome] = {
    Answer.OTHER_PERSON: CallOutcome.LATER,
    Answer.WRONG_NUMBER: CallOutcome.WRONG_NUMBER,
    Answer.BUSY: CallOutcome.LATER,
    Answer.SETTLED: CallOutcome.AGREED,
    Answer.LATER: CallOutcome.LATER,
    Answer.HESITANT: CallOutcome.REACHED,
    Answer.UNWILLING: CallOutcome.REFUSED,
    Answer.DO_NOT_CALL: CallOutcome.DO_NOT_CALL,
}
ICONS: dict[Answer, str] = {
    Answer.OTHER_PERSON: "user-question",
    Answer.WRONG_NUMBER: "phone-x",
    Answer.BUSY: "clock",
    Answer.DOUBTFUL: "help-circle",
    Answer.FORGOT: "history",
    Answer.SILENT: "dots",
    Answer.UPSET: "mood-sad",
    Answer.DISAGREES: "thumb-down",
    Answer.SETTLED: "circle-check",
    Answer.WANTS_MORE: "trending-up",
    Answer.LATER: "calendar-time",
    Answer.HESITANT: "hourglass-high",
    Answer.UNWILLING: "hand-stop",
    Answer.DO_NOT_CALL: "phone-off",
}
FIRST_KEY = 5  # 1–4 correct the cause


def answers_at(stage: str) -> tuple[Answer, ...]:
    """What a buyer may answer in this stage."""
    return ANSWERS_AT.get(Stage(stage), ())


def spot_label(spot: Spot) -> str:
    """The place in words: “Introduce yourself · Not convenient now”."""
    stage, answer = spot
    label = str(Stage(stage).label)
    return f"{label} · {Answer(answer).label}" if answer else label
