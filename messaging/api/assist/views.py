"""What the assistant does for staff: a summary, a proposal for a reply, what other engines would have said (AI-10)."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import selectors
from conversations.models import Conversation, Message
from conversations.summary import summary_of
from messaging.api.assist.shapes import (
    Answers,
    Comparison,
    ProposalShape,
    ReplyTranslation,
    SummaryShape,
    ToldSummaryShape,
    TranslationShape,
    TranslationWanted,
)
from messaging.assist.asking import ASKS, PROPOSES, READS, ask_each, asked_again
from messaging.assist.proposal import proposal_for
from messaging.assist.summary import summary_told
from messaging.assist.translation import message_translated, reply_translated
from tenants.api.views import TenantAPIView, answered, asked, parse_body

TAGS = ["chat"]
SOURCE = {"kind": "article", "id": "0192f0d0", "title": "Returns", "url": "https://shop.example/returns", "score": 0.81}
SUMMARY = {
    "text": "Asked: “My parcel has not come, order 12345”\nKnown: order number 12345\nThe assistant tried: order status",
    "asked": ["My parcel has not come, order 12345"], "known": {"order_number": "12345"}, "tried": ["order_status"],
    "waits": 0, "messages": 6, "left_out": 0,
}  # fmt: skip
PROPOSAL = {
    "text": "You can send it back within 30 days.", "question": "Can I return my boots?", "sources": [SOURCE],
    "intent": "knowledge", "confidence": 0.81, "engine": "builtin", "model": "", "reason": "",
}  # fmt: skip
ANSWER = {
    "engine": "builtin", "model": "", "text": "You can send it back within 30 days.",
    "contents": [{"type": "text", "text": "You can send it back within 30 days."}], "intent": "knowledge",
    "confidence": 0.81, "handover": False, "sources": [SOURCE], "why": {"settled": "knowledge"}, "usage": {},
    "latency_ms": 3, "error": "", "degraded": "",
}  # fmt: skip
TRANSLATION = {
    "text": "Where is my parcel?", "language": "en", "original": "de", "model": "openai/gpt-x-mini", "kept": False,
}  # fmt: skip


class AsideView(TenantAPIView):
    """Asks about a conversation or one of its messages, and notes whose words were looked at."""

    reads = "conversation"
    permissions = {"GET": READS, "POST": ASKS}

    def conversation(self, conversation_id: uuid.UUID) -> Conversation:
        row = selectors.conversation_get(conversation_id)
        self.looked_at = row.id
        return row

    def message(self, message_id: uuid.UUID) -> Message:
        row = selectors.message_get(message_id)
        self.looked_at = row.conversation_id
        return row


class SummaryView(AsideView):
    @extend_schema(
        operation_id="conversation_summary_get",
        summary="What a conversation was about",
        description="In a few lines: what the person asked, what is known, what the assistant tried, what waits. Made from the "
        "transcript as it is now; no model is asked.",
        tags=TAGS,
        responses=SummaryShape,
        examples=[answered(SUMMARY)],
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        return Response(summary_of(self.conversation(conversation_id)).to_json())

    @extend_schema(
        operation_id="conversation_summarize",
        summary="What a conversation was about, in a model's words",
        description="As the `GET`, with `text` written by the tenant's language model for `summary`, which does not get what "
        "`provider_mask` hides and is paid for. Without a model, money or an answer `text` is the digest's and `model` empty.",
        tags=TAGS,
        request=None,
        responses=ToldSummaryShape,
        examples=[answered({**SUMMARY, "text": "Asks where order 12345 is.", "model": "openai/gpt-x-mini"})],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        digest, text, model = summary_told(self.conversation(conversation_id))
        return Response({**digest.to_json(), "text": text, "model": model})


class ProposalView(AsideView):
    permissions = {"POST": PROPOSES}

    @extend_schema(
        operation_id="conversation_reply_propose",
        summary="The reply that the assistant would give",
        description="To what the person said since the last answer of ours, whoever is in control. Nothing is sent or kept. "
        "409 `conversation_closed`; 422 `no_words_of_a_person`.",
        tags=TAGS,
        request=None,
        responses=ProposalShape,
        examples=[answered(PROPOSAL)],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        return Response(proposal_for(self.conversation(conversation_id)).to_json())


class CompareView(AsideView):
    @extend_schema(
        operation_id="message_compare",
        summary="What engines would answer to a message",
        description="To a person's message, or to the one that an answer replied to, as the conversation stood then. One engine "
        "re-runs the turn, several compare: `model:<name>` asks one language model alone, `prompt:<version>` goes by a version "
        "of the prompt, active or not. Nothing is sent or kept. 404 `engine_not_found`, 422 `no_words_of_a_person`.",
        tags=TAGS,
        request=Comparison,
        responses=Answers,
        examples=[asked({"engines": ["current"]}), answered({"answers": [ANSWER]})],
    )
    def post(self, request: Request, message_id: uuid.UUID) -> Response:
        engines = parse_body(request, Comparison).engines
        question = asked_again(self.message(message_id))
        return Response({"answers": [answer.to_json() for answer in ask_each(engines, question)]})


class MessageTranslationView(AsideView):
    @extend_schema(
        operation_id="message_translate",
        summary="A message in another language",
        description="By the tenant's language model, which does not get what `provider_mask` hides; kept as long as the message "
        "says the same, and gone with it. Of a voice message what it was written down as. 409 `no_model`, `budget_exceeded`; 422 "
        "`no_words_to_translate`, `text_too_long`; 503 `model_failed`.",
        tags=TAGS,
        request=TranslationWanted,
        responses=TranslationShape,
        examples=[asked({"language": "en"}), answered(TRANSLATION)],
    )
    def post(self, request: Request, message_id: uuid.UUID) -> Response:
        language = parse_body(request, TranslationWanted).language
        return Response(message_translated(self.message(message_id), language).to_json())


class ReplyTranslationView(AsideView):
    permissions = {"POST": PROPOSES}

    @extend_schema(
        operation_id="conversation_reply_translate",
        summary="A reply in the person's language",
        description="In the language that the person wrote last, or the one that is named. Nothing is sent or kept: send the "
        "words once a colleague agrees to them. 409 `no_model`, `budget_exceeded`, `conversation_closed`; 422 `language_unknown`, "
        "`text_too_long`; 503 `model_failed`.",
        tags=TAGS,
        request=ReplyTranslation,
        responses=TranslationShape,
        examples=[
            asked({"text": "It comes tomorrow."}),
            answered({**TRANSLATION, "text": "Es kommt morgen.", "language": "de", "original": ""}),
        ],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        body = parse_body(request, ReplyTranslation)
        row = self.conversation(conversation_id)
        return Response(reply_translated(row, body.text, body.language).to_json())
