"""The journey writes the same rows by kept statements and by the ORM alone, whatever is said."""

from __future__ import annotations

import datetime
import json
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from assistant.port import EngineReply
from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import Content, text
from channels_app.contract import InboundMessage, Sender, SendResult, StatusUpdate
from channels_app.models import Channel
from conversations.models import Contact, Conversation, Event, Identity, Message, Session
