"""Files of reviews and orders: choose one, watch it go in, take back what was refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from reviews.importers.columns import COLUMNS, REQUIRED, Kind
from reviews.importers.tables import MAX_BYTES
from reviews.importing import reasons, refused_file, upload
from reviews.models import ImportJob, Shop
from reviews.models.imports import ImportKind
from reviews.views.rights import StaffRequest, managed_shops, managers_only

PAGE = 20  # past imports a page
SHOWN = 200  # refused rows on the page; the file to download has all
SYNONYMS = 5  # header names shown of each field


class UploadForm(forms.Form):
    """A file and the shop it is of; the kind only where the headers leave it open."""

    shop = forms.ModelChoiceField(Shop.objects.none(), label=gettext_lazy("Shop"), empty_label=None)
    kind = forms.ChoiceField(
        label=gettext_lazy("Content"),
        required=False,
        choices=[("", gettext_lazy("By its headers")), *ImportKind.choices],
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV or Excel, up to 20 MB."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.xls,.xlsm"}),
    )

    def __init__(self, *args: Any, shops: list[Shop], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["shop"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Shop.objects.filter(pk__in=[shop.pk for shop in shops])

    def clean_file(self) -> UploadedFile[Any]:
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            message = _("The file is larger than %(mb)d MB. Split it and import the parts.")
            raise forms.ValidationError(message % {"mb": MAX_BYTES // 2**20})
        return file


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: StaffRequest) -> HttpResponse:
    """The form to send a file, and the files sent before."""
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = UploadForm(*sent, shops=managed_shops(request.user))
    if form.is_valid():
        shop, kind, file = (form.cleaned_data[name] for name in ("shop", "kind", "file"))
        job = upload(shop, file.name or "", file.read(), kind=kind, by=request.user)
        messages.success(request, _("The file is being taken in. You may leave this page."))
        return redirect("reviews:import", job.pk)
    jobs = Paginator(_jobs(request), PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "jobs": jobs, "columns": accepted_columns()}
    return render(request, "reviews/imports/page.html", context, status=422 if form.errors else 200)


@managers_only
@require_safe
def job(request: StaffRequest, pk: int) -> HttpResponse:
    """How far a file is and what became of its rows; asked again by the page until it is over."""
    found = _job(request, pk)
    refused = [(one.line, reasons(one)) for one in found.refusals.defer("cells")[:SHOWN]]
    context = {"job": found, "refused": refused, "shown": SHOWN}
    whole = not request.headers.get("HX-Request")
    return render(request, f"reviews/imports/{'job' if whole else '_job'}.html", context)


@managers_only
@require_safe
def refusals(request: StaffRequest, pk: int) -> HttpResponse:
    """The refused rows with line and reason, to mend and import again."""
    found = _job(request, pk)
    name = _("refused-%(file)s.csv") % {"file": found.filename.rsplit(".", 1)[0]}
    disposition = f"attachment; filename=\"refused-{found.pk}.csv\"; filename*=UTF-8''{quote(name)}"
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return HttpResponse(refused_file(found), content_type="text/csv; charset=utf-8", headers=headers)


def _jobs(request: StaffRequest) -> QuerySet[ImportJob]:
    mine = ImportJob.objects.filter(request.user.managed_shop_filter("shop"))
    return mine.select_related("shop", "created_by").defer("content")


def _job(request: StaffRequest, pk: int) -> ImportJob:
    """A file of one's shops (404), which one has to manage (403)."""
    seen = ImportJob.objects.visible_to(request.user).select_related("shop", "created_by").defer("content")
    found = get_object_or_404(seen, pk=pk)
    if not request.user.manages(found.shop_id):
        raise PermissionDenied
    return found


@dataclass(frozen=True, slots=True)
class Column:
    """A header as people know it, other names for it, and whether it has to be there."""

    name: str
    others: str
    need: Literal["", "needed", "one of"]


def accepted_columns() -> list[tuple[Kind, list[Column]]]:
    """What either kind of sheet may hold, the needed columns first."""
    order = ("needed", "one of", "")
    kinds: tuple[Kind, ...] = ("reviews", "orders")
    columns = {kind: [_column(kind, field) for field in COLUMNS[kind]] for kind in kinds}
    return [(kind, sorted(columns[kind], key=lambda one: order.index(one.need))) for kind in kinds]


def _column(kind: Kind, field: str) -> Column:
    first, *others = COLUMNS[kind][field]
    group = next((group for group in REQUIRED[kind] if field in group), ())
    need: Literal["", "needed", "one of"] = "needed" if len(group) == 1 else "one of" if group else ""
    return Column(first, "、".join(others[: SYNONYMS - 1]), need)
