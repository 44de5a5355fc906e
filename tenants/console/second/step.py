"""The second step of signing in to the console: between a right password and a session.

Owns what is remembered in between. No account is signed in before its second step: until then the browser's session
names it, for ten minutes, and opens nothing. Must not tell whether it was the code or its time that is wrong.
"""

from __future__ import annotations

import math
import time
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME, login
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.widgets import UnfoldAdminTextInputWidget

from tenants.access.logins import login_refused, second_name, try_begins, try_was_right
from tenants.console.login import LoginForm
from tenants.models import User
from tenants.people.passkeys import authentication, passkey_is_right
from tenants.people.second import code_is_right, papers_left

BACKEND = "django.contrib.auth.backends.ModelBackend"
BETWEEN = "between"  # in the session: the account whose password was right
PROVED_BY = "proved_by"
LIFE_S = 600


class PasswordView(LoginView):
    """The console's own page; an account with a second step goes on to it."""

    def form_valid(self, form: Any) -> HttpResponse:
        return signed_in(self.request, form.get_user(), self.get_success_url())


def password_view(request: HttpRequest) -> HttpResponse:
    """As AdminSite.login, whose view signs in at once."""
    site = admin.site
    if request.method == "GET" and site.has_permission(request):
        return HttpResponseRedirect(reverse("admin:index"))
    context = {
        **site.each_context(request), "title": "Log in", "subtitle": None, "app_path": request.get_full_path(),
        "username": request.user.get_username(),
    }  # fmt: skip
    if not {REDIRECT_FIELD_NAME} & (request.GET.keys() | request.POST.keys()):
        context[REDIRECT_FIELD_NAME] = reverse("admin:index")
    request.current_app = site.name  # type: ignore[attr-defined]
    view = PasswordView.as_view(
        extra_context=context, authentication_form=LoginForm, template_name=site.login_template or "admin/login.html"
    )
    return cast(HttpResponse, view(request))


def signed_in(request: HttpRequest, user: User, onward: str) -> HttpResponse:
    """The account's password was right: it is signed in, or led to its second step."""
    if user.second_factor_at is None:
        login(request, user, backend=BACKEND)
        return HttpResponseRedirect(onward)
    request.session.cycle_key()
    request.session[BETWEEN] = {
        "user": str(user.pk), "word": user.get_session_auth_hash(), "until": time.time() + LIFE_S, "onward": onward,
    }  # fmt: skip
    return HttpResponseRedirect(reverse("admin:second"))


class StepForm(forms.Form):
    code = forms.CharField(
        required=False, max_length=40, label="Code",
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "none", "spellcheck": "false"}
        ),
    )  # fmt: skip
    passkey = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput)


def second_view(request: HttpRequest) -> HttpResponse:
    user = _between(request)
    if user is None:
        return HttpResponseRedirect(reverse("admin:login"))
    if request.method != "POST":
        return _page(request, user)
    form = StepForm(request.POST)
    name = second_name(user)
    if wait_s := try_begins(request, name):
        return _page(request, user, f"Too many wrong codes. Try again in {math.ceil(wait_s / 60)} min.", wait_s=wait_s)
    if not form.is_valid() or not (way := _proved(request, user, form.cleaned_data)):
        login_refused(user, request)
        return _page(request, user, "That did not fit. A code counts once, and for half a minute.")
    try_was_right(request, name)
    between = request.session.pop(BETWEEN)
    login(request, user, backend=BACKEND)
    request.session[PROVED_BY] = way
    if way == "paper" and papers_left(user) < 3:
        return HttpResponseRedirect(reverse("admin:sign_in"))  # where new ones are made
    onward = str(between["onward"])
    safe = url_has_allowed_host_and_scheme(onward, {request.get_host()}, request.is_secure())
    return HttpResponseRedirect(onward if safe else reverse("admin:index"))


def _proved(request: HttpRequest, user: User, given: dict[str, str]) -> str:
    challenge = request.session.pop("challenge", "")  # it counts once, right or wrong
    if given["passkey"]:
        return "passkey" if challenge and passkey_is_right(user, given["passkey"], challenge) else ""
    return code_is_right(user, given["code"]) if given["code"].strip() else ""


def _between(request: HttpRequest) -> User | None:
    """Whose password was right here, less than ten minutes ago, and still is."""
    between = request.session.get(BETWEEN)
    if not between or between["until"] < time.time():
        return None
    user = User.objects.filter(pk=between["user"], is_active=True).first()
    same = user is not None and constant_time_compare(between["word"], user.get_session_auth_hash())
    return user if same else None


def _page(request: HttpRequest, user: User, wrong: str = "", *, wait_s: float = 0) -> HttpResponse:
    asked = authentication(user)
    if asked:
        request.session["challenge"] = asked[1]
    shown = {"title": "Sign in", "form": StepForm(), "wrong": wrong, "options": asked[0] if asked else ""}
    shown["has_app"] = user.factors.filter(kind="app").exists()
    context = {**admin.site.each_context(request), **shown, "name": user.get_username()}
    answer = render(request, "admin/second/step.html", context, status=429 if wait_s else 200)
    if wait_s:
        answer["Retry-After"] = str(math.ceil(wait_s))
    return answer
