"""What every process and every test of the suite begins with and leaves behind.

Owns the cheap stand-ins that hold for a whole process, and what is forgotten between two tests. A fixture that
every test has costs them more than most do that they ask for: there is one of ours for a process and one for a test, and
of pytest-django's those that some test needs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest
import pytest_django.plugin
import structlog
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.template import Context, RequestContext, Template
from django.test import TransactionTestCase, override_settings
from whitenoise.middleware import WhiteNoiseMiddleware

from assistant.intents.learning import apart, arrays
from assistant.intents.versions.measuring import measured
from assistant.knowledge.facts import Fact, in_order
from chatsvc.web import probes
from tenants.access import buckets
from tenants.storage import memo
from tests import emptied, same_statements

# Of pytest-django, which runs these around every test: the first is done by `forget`, the others serve TestCase classes,
# `live_server`, sites, and marks that no test here has.
UNUSED = (
    "_dj_autoclear_mailbox", "_django_clear_site_cache", "_django_isolate_apps", "_django_setup_unittest",
    "_fail_for_invalid_template_variable", "_live_server_helper", "_template_string_if_invalid_marker",
)  # fmt: skip


def leave_out_the_unused() -> None:
    """Before pytest looks for fixtures in its plugins."""
    for name in UNUSED:
        delattr(pytest_django.plugin, name)


def begin() -> ExitStack:
    """What a process has on for all of its tests, until it is closed."""
    on = ExitStack()
    for one in (
        what_the_migrations_left_stays(),
        learning_takes_no_process(),
        what_was_learnt_is_not_compressed(),
        letters_alone(),
        cheap_passwords(),
        static_files_are_listed_once(),
        what_a_page_is_made_of_is_noted_once(),
        same_statements.compared_with_the_orm(),
    ):
        on.enter_context(one)
    return on


def forget() -> None:
    """No test sees what another left in this process' caches and mailbox."""
    cache.clear()
    memo.forget_all()
    buckets.forget_local()
    probes.forget_answers()
    vars(mail).get("outbox", []).clear()


def look_at_the_statements() -> None:
    """Every kept statement that the test ran is the ORM's own: tests/same_statements.py."""
    found, same_statements.differences[:] = list(same_statements.differences), []
    assert not found, "\n\n".join(found)


def forget_ids_of_log_lines() -> None:
    structlog.contextvars.clear_contextvars()


@contextmanager
def what_the_migrations_left_stays() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if connection.vendor != "mongodb":
            patch.setattr(TransactionTestCase, "_fixture_teardown", emptied.delete_rows)
        yield


@lru_cache(maxsize=64)
def _learnt_once(examples: tuple[Any, ...], facts: tuple[Any, ...]) -> Any:
    return apart.learnt_here(examples, facts)


def _learnt(examples: Sequence[Any], facts: Sequence[Fact]) -> Any:
    """Ids of facts give them their order and teach nothing: each test's demo has its own."""
    ordered = in_order(facts)
    found = _learnt_once(tuple(examples), tuple(replace(fact, id=f"{at:09}") for at, fact in enumerate(ordered)))
    return replace(found, knowledge=replace(found.knowledge, facts=ordered))


def _measured(versions: Any, *, told: apart.Told = lambda _: None, **given: Any) -> Any:
    return measured(versions, told=told, **given)


@contextmanager
def learning_takes_no_process() -> Iterator[None]:
    """A process that loads scikit-learn for every training would cost the tests minutes (tests/assistant/test_apart.py).

    Learning is a function of what is taught, and most tests teach the demo's examples: once a process is enough.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(apart, "learnt", _learnt)
        patch.setattr(apart, "measured", _measured)
        yield


@contextmanager
def what_was_learnt_is_not_compressed() -> Iterator[None]:
    """It is thrown away with the test, and to compress the demo's takes as long as half a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "LEVEL", 0)
        yield


@contextmanager
def letters_alone() -> Iterator[None]:
    """Assistants look at words' meaning where a test says so (tests/assistant/test_second_look.py): to load the network
    takes a second of every process."""
    os.environ["ASSISTANT_MEANING"] = "false"  # of the processes that tests start
    with override_settings(ENV={**settings.ENV, "ASSISTANT_MEANING": False}):
        yield


def cheap_passwords() -> Any:
    """A good password hash is slow on purpose; no test asks for that."""
    return override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"])


@contextmanager
def what_a_page_is_made_of_is_noted_once() -> Iterator[None]:
    """Django's test client keeps a copy of the context of every template that a page includes, extends or draws a
    field with, hundreds of a page of the console; tests ask for the page's own (``response.context``)."""
    noted: Callable[[Template, Context], str] = Template._render  # with Django's signal

    def render(self: Template, context: Context) -> str:
        own = context.template is self and isinstance(context, RequestContext)
        return noted(self, context) if own else self.nodelist.render(context)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "_render", render)
        yield


@contextmanager
def static_files_are_listed_once() -> Iterator[None]:
    """WhiteNoise reads every static file's size and date when a client's first request builds the middleware, which
    costs more than most requests do; the files are the same for all of them."""
    listed: dict[str, Any] = {}
    scan: Callable[[WhiteNoiseMiddleware], None] = WhiteNoiseMiddleware.add_files_from_finders

    def once(self: WhiteNoiseMiddleware) -> None:
        if not listed:
            scan(self)
            listed.update(self.files)
        self.files.update(listed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", once)
        yield
