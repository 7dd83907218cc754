"""E-mail by the mail server of the settings (EMAIL_HOST and so on)."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage

from callbacks.gateways.base import Answer, Parcel


class Mail:
    """A mail server knows no keys: the Message-ID carries ours, by which mailboxes drop a second copy."""

    can_ask = False

    def send(self, parcel: Parcel) -> Answer:
        domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("<> ") or "localhost"
        mail = EmailMessage(
            parcel.subject,
            parcel.text,
            to=[parcel.recipient],
            headers={"Message-ID": f"<{parcel.key}@{domain}>", "Auto-Submitted": "auto-generated"},
        )
        try:
            mail.send()
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
            return Answer("refused", reason=type(error).__name__)
        except (smtplib.SMTPConnectError, smtplib.SMTPHeloError, smtplib.SMTPAuthenticationError) as error:
            return Answer("busy", reason=type(error).__name__)
        except smtplib.SMTPResponseException as error:
            lasting = 500 <= error.smtp_code < 600
            return Answer("refused" if lasting else "busy", reason=f"SMTP {error.smtp_code}")
        except (ConnectionRefusedError, smtplib.SMTPNotSupportedError) as error:
            return Answer("busy", reason=type(error).__name__)
        except (OSError, smtplib.SMTPException) as error:
            return Answer("unknown", reason=type(error).__name__)
        return Answer("accepted")

    def ask(self, key: str) -> Answer:
        return Answer("unheard")
