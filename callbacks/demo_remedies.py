"""The demo's remedies of today, one in each state, and drawn pictures for its photo proofs."""

import io
import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from PIL import Image, ImageDraw, ImageFilter

from callbacks import remedies
from callbacks.models import Remedy, RemedyKind
from callbacks.photos import add_photos
from reviews import clock
from reviews.models import Case, Status, User


def leave_remedies_open(manager: User, moment: datetime) -> None:
    """In cases still worked on: offered, waiting for the manager, refused, cancelled."""
    free = Case.objects.filter(assignee__is_demo=True, status=Status.IN_PROGRESS, remedies=None)
    named = free.exclude(cause__in=["malicious", "none"]).select_related("shop", "assignee", "review__order")
    acts = (_offered, _waits_with_picture, _waits_for_cash, _refused, _cancelled)
    for place, (case, act) in enumerate(zip(named.order_by("pk"), acts, strict=False)):
        with clock.at(moment - timedelta(minutes=95 - 17 * place)):
            act(case, manager)


def _agent(case: Case) -> User:
    assert case.assignee is not None
    return case.assignee


def _offer(case: Case, kind: RemedyKind, amount: str | None, reason: str, **more: Any) -> Remedy:
    cost = Decimal(amount) if amount else None
    return remedies.offer_remedy(case, kind, amount=cost, reason=reason, by=_agent(case), **more)


def _offered(case: Case, manager: User) -> None:
    made = _offer(case, RemedyKind.COUPON, "5", "先按口述给小额", accepted=False, note="买家说考虑一下")
    if made.status != "offered":
        remedies.decide_remedy(made, approve=True, by=manager, words="可以")


def _waits_with_picture(case: Case, manager: User) -> None:
    earlier = Case.objects.filter(shop=case.shop, photos__isnull=False).order_by("pk").first()
    names = [earlier.review.review_key] if earlier else []
    names.append(f"{case.review.review_key}-b")
    add_photos(case, [(f"{name}.jpg", demo_picture(name)) for name in names], by=_agent(case))
    whole = None if case.value else "60"
    _offer(case, RemedyKind.REFUND, whole, "照片看得清，买家不想再要，按全额退处理")


def _waits_for_cash(case: Case, manager: User) -> None:
    _offer(case, RemedyKind.CASH, "36.50", "平台退款通道已过期，安装师傅多收的钱补给买家")


def _refused(case: Case, manager: User) -> None:
    made = _offer(case, RemedyKind.PART_REFUND, "45", "买家觉得不值")
    remedies.decide_remedy(made, approve=False, by=manager, words="还没有照片，先请买家拍给我们看")


def _cancelled(case: Case, manager: User) -> None:
    made = _offer(case, RemedyKind.COUPON, "5", "按口述给小额")
    remedies.cancel_remedy(made, by=_agent(case), reason="买家要换货，不要券")


def demo_picture(name: str) -> bytes:
    """A JPEG, 640 × 480, drawn from the name alone."""
    dice = random.Random(name)  # noqa: S311  a picture, no secret
    ground, body = _colour(dice, 190, 235), _colour(dice, 60, 170)
    image = Image.new("RGB", (640, 480), ground)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, dice.randint(300, 380), 640, 480), fill=_colour(dice, 120, 190))
    left, top = dice.randint(120, 240), dice.randint(60, 140)
    width, height = dice.randint(140, 300), dice.randint(180, 300)
    pen.rounded_rectangle((left, top, left + width, top + height), dice.randint(8, 60), fill=body)
    pen.ellipse((left, top - 20, left + width, top + 30), fill=_colour(dice, 80, 210))
    _crack(pen, dice, left + width // 2, top + 20, height)
    out = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(1)).save(out, "JPEG", quality=80)
    return out.getvalue()


def _colour(dice: random.Random, low: int, high: int) -> tuple[int, int, int]:
    return (dice.randint(low, high), dice.randint(low, high), dice.randint(low, high))


def _crack(pen: ImageDraw.ImageDraw, dice: random.Random, x: int, y: int, height: int) -> None:
    points = [(x, y)]
    while points[-1][1] < y + height * 0.7:
        points.append((points[-1][0] + dice.randint(-34, 34), points[-1][1] + dice.randint(12, 34)))
    pen.line(points, fill=(25, 25, 30), width=dice.randint(4, 8), joint="curve")
