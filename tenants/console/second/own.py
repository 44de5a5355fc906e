"""The page on which members of staff see how and where they sign in: devices, codes on paper, sessions (TEN-4).

Must not show anything of colleagues. What weakens the account asks for its password once more.
"""

from __future__ import annotations

import uuid
from typing import Any

import segno
from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from tenants.access.limits import client_ip
from tenants.access.logins import tell_tenants, try_begins, try_was_right
from tenants.console.second.gate import closed_operator, closed_tenants
from tenants.errors import ServiceError, Unprocessable
from tenants.people.passkeys import passkey_add, registration
from tenants.people.second import app_add, app_address, app_key, factor_remove, of, papers_left, papers_renew
from tenants.people.sessions import LISTED, session_end, sessions_end, sessions_of
from tenants.storage.crypto import decrypt, encrypt

ISSUER = "chatsvc"
KEY, CHALLENGE = "app_key", "challenge"
TEXT = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}


def addresses() -> list[URLPattern]:
    def view(function: Any) -> Any:
        return never_cache(admin.site.admin_view(function))

    return [
        path("sign-in/", view(own_view), name="sign_in"),
        path("password_change/", view(password_view), name="password_change"),
        path("sign-in/app/", view(app_view), name="sign_in_app"),
        path("sign-in/passkey/", view(passkey_view), name="sign_in_passkey"),
    ]


def password_view(request: HttpRequest) -> HttpResponse:
    """The console's own page; with a new password the account is signed in here and nowhere else."""
    answer = admin.site.password_change(request)
    if request.method == "POST" and answer.status_code == 302:
        user: Any = request.user
        sessions_end(user, but=request.session.session_key or "", former=request.session.get(LISTED, ""))
        _tell(request, "user.updated", {"fields": ["password"]})
    return answer


class OwnForm(forms.Form):
    """Whatever changes how the account signs in: its password once more."""

    password = forms.CharField(
        strip=False, max_length=4096, label="Your password",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"}),
    )  # fmt: skip

    def __init__(self, request: HttpRequest, data: Any = None):
        super().__init__(data)
        self.request = request

    def clean(self) -> Any:
        cleaned, user = super().clean() or {}, self.request.user
        if "password" not in cleaned:
            return cleaned
        if try_begins(self.request, user.get_username()):
            raise forms.ValidationError("Too many wrong passwords: try again in some minutes.")
        if not user.check_password(cleaned["password"]):  # type: ignore[union-attr]
            self.add_error("password", "That is not your password.")
            return cleaned
        try_was_right(self.request, user.get_username())
        return cleaned


class DeviceForm(OwnForm):
    name = forms.CharField(
        max_length=60, label="What you call it", widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
    )
    field_order: Any = ("name", "password")


class AppForm(DeviceForm):
    code = forms.CharField(
        max_length=10, label="The code that the app shows",
        widget=UnfoldAdminTextInputWidget(attrs={**TEXT, "inputmode": "numeric", "autocomplete": "one-time-code"}),
    )  # fmt: skip
    field_order: Any = ("code", "name", "password")


class PasskeyForm(DeviceForm):
    passkey = forms.CharField(max_length=20_000, widget=forms.HiddenInput)


def own_view(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    form = OwnForm(request, request.POST if "password" in request.POST else None)
    if request.method == "POST":
        deed = request.POST.get("deed", "")
        if deed == "sign_out":
            if session_end(user, _id(request)):
                _tell(request, "session.ended")
                messages.success(request, "Signed out there.")
            return HttpResponseRedirect(request.path)
        if deed == "sign_out_elsewhere":
            count = sessions_end(user, but=request.session.session_key or "")
            _tell(request, "session.ended", {"sessions": count})
            messages.success(request, "You are signed in here and nowhere else.")
            return HttpResponseRedirect(request.path)
        if form.is_valid() and deed == "remove":
            if row := factor_remove(user, _id(request)):
                _tell(request, "second_factor.removed", {"kind": row.kind})
                messages.success(request, f"{row.name} was removed.")
            return HttpResponseRedirect(request.path)
        if form.is_valid() and deed == "papers" and user.second_factor_at:
            _tell(request, "second_factor.codes_renewed")
            return _papers(request, papers_renew(user))
    return _shown(request, "own.html", {"form": form, "deed": request.POST.get("deed"), "row": request.POST.get("row")})


def app_view(request: HttpRequest) -> HttpResponse:
    """The picture for an app, and the code that proves that it was read. The key lies encrypted in the session."""
    user: Any = request.user
    form = AppForm(request, request.POST) if request.method == "POST" else AppForm(request)
    form.fields["name"].initial = "My phone"
    if KEY not in request.session:
        request.session[KEY] = encrypt(app_key())
    key = decrypt(request.session[KEY])
    if form.is_valid():
        try:
            papers = app_add(user, key, form.cleaned_data["code"], form.cleaned_data["name"])
        except ServiceError as error:
            form.add_error("code" if error.code == "wrong_code" else None, error.message)
        else:
            del request.session[KEY]
            return _added(request, "app", papers)
    picture = segno.make(app_address(user, key, ISSUER), error="m").svg_inline(scale=5, border=3, light="#fff")
    spaced = " ".join(key[at : at + 4] for at in range(0, len(key), 4))
    return _shown(request, "app.html", {"form": form, "picture": mark_safe(picture), "key": spaced})  # noqa: S308  ours


def passkey_view(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    form = PasskeyForm(request, request.POST) if request.method == "POST" else PasskeyForm(request)
    form.fields["name"].initial = "My passkey"
    challenge = request.session.pop(CHALLENGE, "")  # it counts once
    if form.is_valid():
        try:
            if not challenge:
                raise Unprocessable("It took too long: try again.")
            papers = passkey_add(user, form.cleaned_data["passkey"], challenge, form.cleaned_data["name"])
        except ServiceError as error:
            form.add_error(None, error.message)
        else:
            return _added(request, "passkey", papers)
    options, request.session[CHALLENGE] = registration(user)
    return _shown(request, "passkey.html", {"form": form, "options": options})


def _added(request: HttpRequest, kind: str, papers: list[str]) -> HttpResponse:
    _tell(request, "second_factor.added", {"kind": kind})
    if not papers:
        messages.success(request, "It signs you in from now on.")
        return HttpResponseRedirect(reverse("admin:sign_in"))
    user: Any = request.user
    sessions_end(user, but=request.session.session_key or "")  # those that were begun by the password alone
    return _papers(request, papers)


def _papers(request: HttpRequest, papers: list[str]) -> HttpResponse:
    return _shown(request, "papers.html", {"papers": papers})


def _shown(request: HttpRequest, template: str, more: dict[str, Any]) -> HttpResponse:
    user: Any = request.user
    here = request.session.session_key
    context = {
        **admin.site.each_context(request), "title": "How I sign in", "factors": of(user), "papers_left": papers_left(user),
        "sessions": [(row, row.key == here) for row in sessions_of(user)], "closed": closed_tenants(request),
        "operator_closed": closed_operator(request), **more,
    }  # fmt: skip
    return render(request, f"admin/second/{template}", context)


def _id(request: HttpRequest) -> uuid.UUID:
    try:
        return uuid.UUID(request.POST.get("row", ""))
    except ValueError:
        return uuid.UUID(int=0)


def _tell(request: HttpRequest, action: str, changes: dict[str, Any] | None = None) -> None:
    user: Any = request.user
    tell_tenants(user, user, action, client_ip(request), changes)
