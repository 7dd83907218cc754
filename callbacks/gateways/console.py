"""The default: writes to the log that a text would leave, and nothing of what it says or to whom."""

import logging

from callbacks.gateways.base import Answer, Parcel

log = logging.getLogger(__name__)


class Console:
    """Takes every text and sends none: for trying the program out."""

    can_ask = False

    def send(self, parcel: Parcel) -> Answer:
        log.info("%s %s: %d characters, not sent", parcel.channel, parcel.key, len(parcel.text))
        return Answer("accepted", provider_id=parcel.key[:8])

    def ask(self, key: str) -> Answer:
        return Answer("unheard")
