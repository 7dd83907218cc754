"""Who asks: the session and the person behind it, read anew with every request, so a right that was taken
away is gone with the next one.

In plain SQL, see reviews/plain_sql.py. Nothing is kept in between: no cache can be out of date or down.
"""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from reviews.models import User
from reviews.plain_sql import ask

_SESSION = "SELECT session_key, session_data FROM django_session WHERE session_key = %s AND expire_date > %s"


class SessionStore(db.SessionStore):
    """Django's sessions in the database (SESSION_ENGINE)."""

    def _get_session_from_db(self) -> Session | None:
        for key, data in ask(_SESSION, [self.session_key, timezone.now()]):
            return Session(session_key=key, session_data=data)
        self._session_key = None
        return None


class Backend(ModelBackend):
    """Django's people and passwords (AUTHENTICATION_BACKENDS)."""

    def get_user(self, user_id: Any) -> User | None:
        found = User.objects.with_memberships(user_id)
        return found if found and self.user_can_authenticate(found) else None
