"""Lists by cursor: a page never shifts while rows come in."""

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class NewestFirst(CursorPagination):
    """Newest first by id; `page_size` up to 200, 50 by default."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    page_size_query_description = "Rows a page, 1 to 200."

    def get_page_size(self, request: Request) -> int:
        asked = request.query_params.get("page_size")
        if asked is None:
            return self.page_size
        if not asked.isascii() or not asked.isdigit() or not 1 <= int(asked[:9]) <= self.max_page_size:
            message = _("Give a number from 1 to %(limit)d.") % {"limit": self.max_page_size}
            raise ValidationError({"page_size": [message]})
        return int(asked)
