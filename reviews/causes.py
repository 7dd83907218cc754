"""The fixed codes of what buyers complain of. API, data and reports use them; never rename one."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Cause(TextChoices):
    """Primary cause of a complaint."""

    PRODUCT = "product", _("Product problem")
    SUBJECTIVE = "subjective", _("Buyer's subjective feeling")
    SERVICE = "service", _("Service and after-sales")
    MALICIOUS = "malicious", _("Malicious or unrelated")
    NONE = "none", _("No complaint")


class SubCause(TextChoices):
    """What exactly went wrong, within one cause."""

    QUALITY = "quality", _("Quality")
    DAMAGED_MISSING = "damaged_missing", _("Damaged or missing parts")
    MISMATCH = "mismatch", _("Differs from description")
    ODOR = "odor", _("Odour")
    AUTHENTICITY = "authenticity", _("Doubtful authenticity")
    FRESHNESS = "freshness", _("Not fresh")
    SIZE_FIT = "size_fit", _("Size or fit")
    PRICE_VALUE = "price_value", _("Price or value")
    CHANGED_MIND = "changed_mind", _("Changed mind")
    TASTE_EFFECT = "taste_effect", _("Taste, comfort or effect")
    UNSPECIFIED = "unspecified", _("No reason given")
    RESPONSE = "response", _("Slow or no answer")
    ATTITUDE = "attitude", _("Attitude")
    REFUND_DISPUTE = "refund_dispute", _("Return, refund or invoice")
    WRONG_ITEM = "wrong_item", _("Wrong item or not sent")
    DELIVERY = "delivery", _("Delivery")
    PACKAGING = "packaging", _("Packaging")
    PROMISE = "promise", _("Promise not kept")
    UNRELATED = "unrelated", _("Unrelated to the purchase")
    COMPETITOR = "competitor", _("Competitor smear")
    EXTORTION = "extortion", _("Demands money or goods")
    SPAM = "spam", _("Advertisement")
    ABUSE = "abuse", _("Insult only")
    NONE = "none", _("No complaint")


SUB_CAUSES: dict[Cause, tuple[SubCause, ...]] = {
    Cause.PRODUCT: (
        SubCause.QUALITY,
        SubCause.DAMAGED_MISSING,
        SubCause.MISMATCH,
        SubCause.ODOR,
        SubCause.AUTHENTICITY,
        SubCause.FRESHNESS,
    ),
    Cause.SUBJECTIVE: (
        SubCause.SIZE_FIT,
        SubCause.PRICE_VALUE,
        SubCause.CHANGED_MIND,
        SubCause.TASTE_EFFECT,
        SubCause.UNSPECIFIED,
    ),
    Cause.SERVICE: (
        SubCause.RESPONSE,
        SubCause.ATTITUDE,
        SubCause.REFUND_DISPUTE,
        SubCause.WRONG_ITEM,
        SubCause.DELIVERY,
        SubCause.PACKAGING,
        SubCause.PROMISE,
    ),
    Cause.MALICIOUS: (
        SubCause.UNRELATED,
        SubCause.COMPETITOR,
        SubCause.EXTORTION,
        SubCause.SPAM,
        SubCause.ABUSE,
    ),
    Cause.NONE: (SubCause.NONE,),
}

CAUSE_OF: dict[SubCause, Cause] = {sub: cause for cause, subs in SUB_CAUSES.items() for sub in subs}

COMPLAINTS: tuple[Cause, ...] = (Cause.PRODUCT, Cause.SUBJECTIVE, Cause.SERVICE, Cause.MALICIOUS)

# Shares of all complaints that shops commonly report, in percent.
TYPICAL_SHARES: dict[Cause, int] = {
    Cause.PRODUCT: 50,
    Cause.SUBJECTIVE: 20,
    Cause.SERVICE: 25,
    Cause.MALICIOUS: 5,
}
