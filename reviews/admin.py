"""The administrator's back room: people, shops, keys, and the audit log to read.

Orders, buyers and cases are not here on purpose: personal data is looked at on the case page, where each
look is recorded, and cases change only by their verbs.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.models import APIKey

from reviews.models import AuditEntry, Shop, ShopApiKey, ShopMembership, User
from reviews.recounting import COUNTED_BY, want_recount

admin.site.unregister(APIKey)  # the library's own keys belong to no shop
admin.site.site_header = _("Huiping administration")
admin.site.site_title = _("Huiping")


class MembershipInline(admin.TabularInline[ShopMembership, User]):
    model = ShopMembership
    extra = 1


@admin.register(User)
class PersonAdmin(UserAdmin[User]):
    """People with their shops, roles and skills."""

    list_display = ("username", "display_name", "on_duty", "is_active", "is_superuser")
    list_filter = ("memberships__shop", "on_duty", "is_active")
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("username", "password", "display_name")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "on_duty")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "display_name", "password1", "password2")}),)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who leaves is made inactive: cases, calls and the audit log keep their names."""
        return False


@admin.register(Shop)
class ShopAdmin(admin.ModelAdmin[Shop]):
    """Shops with their hours and limits."""

    list_display = ("code", "name", "platform", "time_zone", "calling_from", "calling_until")
    exclude = ("week",)  # written on the team page, as people write hours

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keys of imported reviews are made with the code: with another one they would come in twice."""
        return ("code", "platform") if obj else ()

    def save_model(self, request: HttpRequest, obj: Shop, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if COUNTED_BY & set(form.changed_data):
            want_recount(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What buyers wrote is never deleted."""
        return False


@admin.register(ShopApiKey)
class ShopApiKeyAdmin(admin.ModelAdmin[ShopApiKey]):
    """Keys to revoke; they are made by manage.py create_api_key, which shows them once."""

    list_display = ("prefix", "name", "shop", "created", "expiry_date", "revoked")
    fields = ("name", "shop", "expiry_date", "revoked")
    readonly_fields = ("shop",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(AuditEntry)
class AuditEntryAdmin(admin.ModelAdmin[AuditEntry]):
    """The audit log: to read, never to change."""

    list_display = ("at", "user", "shop", "action", "object_type", "object_id")
    list_filter = ("action", "shop")
    list_select_related = ("user", "shop")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
