"""The page behind the link of an invitation: a new account sets its password, one that is there joins by signing in.

The person who holds the link may open it: it is the credential. Must not say anything of the address to people without it.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import login, password_validation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from tenants.access.invitations import account_of, invitation_of, is_of, join
from tenants.access.limits import client_ip
from tenants.console.login import LoginForm
from tenants.console.second.step import BACKEND, signed_in
from tenants.models import Invitation, User


def addresses() -> list[URLPattern]:
    return [path("join/<str:token>/", never_cache(csrf_protect(join_view)), name="join")]


class NewcomerForm(forms.Form):
    """An account of one's own: the address is its user name."""

    name = forms.CharField(max_length=150, label="Your name", widget=UnfoldAdminTextInputWidget)
    password = forms.CharField(
        label="Password", strip=False, help_text=password_validation.password_validators_help_text_html(),
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip
    again = forms.CharField(
        label="Once more", strip=False, widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    )

    def __init__(self, row: Invitation, data: Any = None):
        super().__init__(data)
        self.row = row

    def clean(self) -> Any:
        cleaned = super().clean() or {}
        if "password" not in cleaned:
            return cleaned
        if cleaned.get("again") != cleaned["password"]:
            self.add_error("again", "The two passwords differ.")
        try:
            password_validation.validate_password(cleaned["password"], self.account())
        except forms.ValidationError as error:
            self.add_error("password", error)
        return cleaned

    def account(self) -> User:
        first, _, last = self.cleaned_data.get("name", "").strip().partition(" ")
        user = User(username=self.row.email, email=self.row.email, first_name=first, last_name=last.strip())
        user.set_password(self.cleaned_data["password"])
        return user


class OwnerForm(LoginForm):
    """The sign-in of the account that was invited: it need not be staff yet, as the login page of the console wants."""

    def __init__(self, row: Invitation, request: HttpRequest, data: Any = None):
        super().__init__(request, data)
        self.row = row

    def confirm_login_allowed(self, user: Any) -> None:
        if not (user.is_active and is_of(self.row, user)):
            raise self.get_invalid_login_error()


def join_view(request: HttpRequest, token: str) -> HttpResponse:
    row = invitation_of(token)
    if row is None:
        return _page(request, {"title": "This link has ended"}, status=404)
    if account := account_of(row):
        return _known(request, row, account)
    form = NewcomerForm(row, request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _page(request, {"title": f"Join {row.tenant}", "row": row, "fields": form})
    user = form.account()
    if not join(row, user, client_ip(request)):
        return _page(request, {"title": "This link has ended"}, status=404)
    login(request, user, backend=BACKEND)
    return HttpResponseRedirect(reverse("admin:inbox"))


def _known(request: HttpRequest, row: Invitation, account: User) -> HttpResponse:
    """The address has an account: who is signed in with it joins by one button."""
    here = request.user
    shown = {"title": f"Join {row.tenant}", "row": row}
    if isinstance(here, User) and not is_of(row, here):
        return _page(request, {**shown, "other": here})
    if not isinstance(here, User):
        form = OwnerForm(row, request, request.POST if request.method == "POST" else None)
        if not form.is_valid():
            answer = _page(request, {**shown, "owner": form, "fields": form}, status=429 if form.too_many else 200)
            if form.too_many:
                answer["Retry-After"] = str(form.wait_s)
            return answer
        return signed_in(request, form.get_user(), request.path)
    if request.method != "POST":
        return _page(request, {**shown, "joins": here})
    if not join(row, here, client_ip(request)):
        return _page(request, {"title": "This link has ended"}, status=404)
    return HttpResponseRedirect(reverse("admin:index"))


def _page(request: HttpRequest, shown: dict[str, Any], status: int = 200) -> HttpResponse:
    """The address is a secret: settings let browsers tell it to our own pages alone. A stricter policy would have them send
    forms without an origin, which are refused."""
    return render(request, "admin/join.html", {**admin.site.each_context(request), **shown}, status=status)
