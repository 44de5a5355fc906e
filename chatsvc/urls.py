"""Every address of the service: one flat list."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from assistant.api import article_views, intent_views, model_views, provider_views, site_views
from assistant.evaluations import judged_views
from assistant.evaluations import views as evaluation_views
from assistant.intents.versions import views as training_views
from assistant.products import views as product_views
from assistant.prompts import views as prompt_views
from assistant.tools import views as tool_views
from channels_app.api import channel_views as channel_list_views
from channels_app.templates import views as template_views
from chatsvc.observe import metrics
from chatsvc.web import console, health, widget
from chatsvc.web.openapi import schema  # noqa: F401  registers how models and credentials are described
from chatsvc.web.operators import system, system_tenants
from conversations.api import contact_views, merge_views
from conversations.api import event_views as feed_views
from messaging.api import channel_views as channel_write_views
from messaging.api import (
    chat_views,
    failure_views,
    figure_views,
    preview_views,
    retention_views,
    safety_views,
    search_views,
)
from messaging.api import webhook as webhook_views
from messaging.api.agents import (
    canned_views,
    conversation_views,
    inbox_views,
    scheduled_views,
    team_views,
    trail_views,
)
from messaging.api.assist import judgement_views
from messaging.api.assist import views as assist_views
from messaging.api.privacy import download as privacy_download
from messaging.api.privacy import views as privacy_views
from messaging.api.talks import consent_views, import_views, message_views, similar_views
from messaging.api.talks import conversation_views as talk_views
from messaging.api.threads import message_views as thread_message_views
from messaging.api.threads import thread_views
from messaging.api.unasked import views as unasked_views
from messaging.api.work import dead_letter_views, delivery_views, session_views
from messaging.health import views as channel_views
from messaging.hours import views as hours_views
from messaging.integrators import views as endpoint_views
from messaging.kafka import views as event_views
from messaging.media import upload_views
from messaging.media import views as media_views
from messaging.webchat import upload_views as visitor_uploads
from messaging.webchat import views as webchat_views
from tenants.api import family_views, invitation_views, key_views, token_views
from tenants.api.oauth import client_views, issuer_views, token_endpoint, well_known
from tenants.api.people import member_views, role_views, tenant_views
from tenants.api.trail import views as audit_views

urlpatterns = [
    # addresses are tried in turn: what is called most comes first
    path("api/v2/webhooks/<str:kind>/<str:key>", webhook_views.webhook),
    path("api/v2/webhooks/<str:kind>/<str:key>/", webhook_views.webhook),  # as some people enter it at a platform
    console.addresses(),
    # messages and conversations
    path("api/v2/chat/message", chat_views.MessageView.as_view()),
    path("api/v2/chat/messages", search_views.MessagesFoundView.as_view()),
    path("api/v2/chat/messages/import", import_views.ImportView.as_view()),
    path("api/v2/chat/messages/<uuid:message_id>", message_views.MessageView.as_view()),
    path("api/v2/chat/messages/<uuid:message_id>/context", message_views.ContextView.as_view()),
    path("api/v2/chat/messages/<uuid:message_id>/analysis", message_views.AnalysisView.as_view()),
    path("api/v2/chat/messages/<uuid:message_id>/surroundings", message_views.SurroundingsView.as_view()),
    path("api/v2/chat/messages/<uuid:message_id>/delivery", message_views.DeliveryView.as_view()),
    path("api/v2/chat/messages/<uuid:message_id>/regenerate", message_views.RegenerateView.as_view()),
    path("api/v2/chat/messages/<uuid:message_id>/compare", assist_views.CompareView.as_view()),
    path("api/v2/chat/messages/<uuid:message_id>/judgement", judgement_views.JudgementView.as_view()),
    path("api/v2/chat/messages/<uuid:message_id>/translation", assist_views.MessageTranslationView.as_view()),
    path("api/v2/chat/messages/<uuid:message_id>/similar", similar_views.SimilarMessagesView.as_view()),
    path("api/v2/chat/figures", figure_views.FiguresView.as_view()),
    path("api/v2/chat/conversations", chat_views.ConversationsView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>", chat_views.ConversationView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/messages", chat_views.ConversationMessagesView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/read", chat_views.ConversationReadView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/typing", chat_views.ConversationTypingView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/take-over", chat_views.TakeOverView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/hand-back", chat_views.HandBackView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/end", chat_views.EndView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/escalate", talk_views.EscalateView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/export", talk_views.ExportView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/metrics", talk_views.MetricsView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/rating", talk_views.RatingView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/summary", assist_views.SummaryView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/proposal", assist_views.ProposalView.as_view()),
    path(
        "api/v2/chat/conversations/<uuid:conversation_id>/reply-translation",
        assist_views.ReplyTranslationView.as_view(),
    ),
    path("api/v2/chat/conversations/<uuid:conversation_id>/similar", similar_views.SimilarConversationsView.as_view()),
    # threads between people
    path("api/v1/threads", thread_views.ThreadsView.as_view()),
    path("api/v1/threads/<uuid:thread_id>", thread_views.ThreadView.as_view()),
    path("api/v1/threads/<uuid:thread_id>/messages", thread_message_views.ThreadMessagesView.as_view()),
    path(
        "api/v1/threads/<uuid:thread_id>/messages/<uuid:message_id>", thread_message_views.ThreadMessageView.as_view()
    ),
    # the assistant
    path("api/v2/engine/conversations/<uuid:conversation_id>/messages", unasked_views.EngineMessagesView.as_view()),
    path("api/v2/engine/conversations/<uuid:conversation_id>/typing", unasked_views.EngineTypingView.as_view()),
    path("api/v2/engine/conversations/<uuid:conversation_id>/status", unasked_views.EngineStatusView.as_view()),
    path("api/v2/evaluation-cases", evaluation_views.CasesView.as_view()),
    path("api/v2/evaluation-cases/<uuid:case_id>", evaluation_views.CaseView.as_view()),
    path("api/v2/evaluations", evaluation_views.RunView.as_view()),
    path("api/v2/judged-answers", judged_views.JudgedAnswersView.as_view()),
    # privacy
    path("api/v2/retention", retention_views.RetentionView.as_view()),
    # people
    path("api/v2/contacts", contact_views.ContactsView.as_view()),
    path("api/v2/contacts/<uuid:contact_id>", contact_views.ContactView.as_view()),
    path("api/v2/contacts/<uuid:contact_id>/preferences", contact_views.ContactPreferencesView.as_view()),
    path("api/v2/contacts/<uuid:contact_id>/identities", contact_views.ContactIdentitiesView.as_view()),
    path(
        "api/v2/contacts/<uuid:contact_id>/identities/<uuid:identity_id>", contact_views.ContactIdentityView.as_view()
    ),
    path("api/v2/contacts/<uuid:contact_id>/conversations", contact_views.ContactConversationsView.as_view()),
    path("api/v2/contacts/<uuid:contact_id>/history", contact_views.ContactHistoryView.as_view()),
    path("api/v2/contacts/<uuid:contact_id>/statistics", contact_views.ContactStatisticsView.as_view()),
    path("api/v2/contacts/<uuid:contact_id>/merges", merge_views.ContactMergesView.as_view()),
    path("api/v2/contacts/<uuid:contact_id>/merges/<uuid:merge_id>", merge_views.ContactMergeView.as_view()),
    path("api/v2/contacts/<uuid:contact_id>/merges/<uuid:merge_id>/undo", merge_views.ContactMergeUndoView.as_view()),
    path("api/v2/contacts/<uuid:contact_id>/stop", consent_views.StopView.as_view()),
    path("api/v2/contacts/<uuid:contact_id>/allow", consent_views.AllowView.as_view()),
    path("api/v2/contacts/<uuid:contact_id>/devices", session_views.ContactDevicesView.as_view()),
    path("api/v2/sessions", session_views.SessionsView.as_view()),
    path("api/v2/sessions/<uuid:session_id>", session_views.SessionView.as_view()),
    path("api/v2/sessions/<uuid:session_id>/extend", session_views.SessionExtendView.as_view()),
    path("api/v2/sessions/<uuid:session_id>/end", session_views.SessionEndView.as_view()),
    # what a person may ask for
    path("api/v1/privacy/export", privacy_views.ExportsView.as_view()),
    path("api/v1/privacy/export/<uuid:export_id>", privacy_views.ExportView.as_view()),
    path("api/v1/privacy/delete", privacy_views.DeletionsView.as_view()),
    path("api/v1/privacy/delete/<uuid:deletion_id>", privacy_views.DeletionView.as_view()),
    path("api/v1/privacy/download/<str:token>", privacy_download.DownloadView.as_view()),
    # the inbox
    path("api/v2/chat/inbox", inbox_views.InboxView.as_view()),
    path("api/v2/chat/inbox/counts", inbox_views.InboxCountsView.as_view()),
    path("api/v2/chat/inbox/filters", inbox_views.FiltersView.as_view()),
    path("api/v2/chat/inbox/filters/<uuid:filter_id>", inbox_views.FilterView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/assign", conversation_views.AssignView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/unassign", conversation_views.UnassignView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/snooze", conversation_views.SnoozeView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/scheduled", scheduled_views.ScheduledOfView.as_view()),
    path("api/v2/chat/scheduled/<uuid:scheduled_id>", scheduled_views.ScheduledView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/notes", conversation_views.NotesView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/trail", trail_views.TrailView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/looking", conversation_views.LookingView.as_view()),
    path(
        "api/v2/chat/conversations/<uuid:conversation_id>/labels/<uuid:label_id>",
        conversation_views.LabelOfView.as_view(),
    ),
    path("api/v2/labels", team_views.LabelsView.as_view()),
    path("api/v2/labels/<uuid:label_id>", team_views.LabelView.as_view()),
    path("api/v2/teams", team_views.TeamsView.as_view()),
    path("api/v2/teams/<uuid:team_id>", team_views.TeamView.as_view()),
    path("api/v2/members", team_views.MembersView.as_view()),
    path("api/v2/members/presence", team_views.PresenceView.as_view()),
    path("api/v2/members/<uuid:user_id>", member_views.MemberView.as_view()),
    path("api/v2/members/<uuid:user_id>/second-factor", member_views.MemberSecondFactorView.as_view()),
    path("api/v2/members/<uuid:user_id>/desk", team_views.MemberDeskView.as_view()),
    path("api/v2/intents", intent_views.IntentsView.as_view()),
    path("api/v2/intents/classify", intent_views.ClassifyView.as_view()),
    path("api/v2/intents/trainings", training_views.TrainingsView.as_view()),
    path("api/v2/intents/trainings/run", training_views.RunView.as_view()),
    path("api/v2/intents/trainings/newest", training_views.NewestView.as_view()),
    path("api/v2/intents/trainings/<uuid:training_id>", training_views.TrainingView.as_view()),
    path("api/v2/intents/trainings/<uuid:training_id>/activate", training_views.ActivateView.as_view()),
    path("api/v2/intents/<uuid:intent_id>", intent_views.IntentView.as_view()),
    path("api/v2/canned-replies", canned_views.CannedRepliesView.as_view()),
    path("api/v2/canned-replies/<uuid:canned_id>", canned_views.CannedReplyView.as_view()),
    path("api/v2/canned-replies/<uuid:canned_id>/fill", canned_views.CannedFillView.as_view()),
    path("api/v2/chat/messages/<uuid:message_id>/hidden", safety_views.HiddenView.as_view()),
    path("api/v2/safety", safety_views.SafetyView.as_view()),
    path("api/v2/reviews", safety_views.ReviewsView.as_view()),
    path("api/v2/reviews/<uuid:review_id>", safety_views.ReviewView.as_view()),
    path("api/v2/reviews/<uuid:review_id>/done", safety_views.ReviewDoneView.as_view()),
    path("api/v2/channels", channel_write_views.ChannelsView.as_view()),
    path("api/v2/channels/kinds", channel_list_views.KindsView.as_view()),
    path("api/v2/channels/<uuid:channel_id>", channel_write_views.ChannelView.as_view()),
    path("api/v2/hours", hours_views.HoursView.as_view()),
    path("api/v2/channels/<uuid:channel_id>/hours", hours_views.ChannelHoursView.as_view()),
    path("api/v2/channels/<uuid:channel_id>/preview", preview_views.PreviewView.as_view()),
    path("api/v2/knowledge", article_views.ArticlesView.as_view()),
    path("api/v2/knowledge/import", article_views.ArticleImportView.as_view()),
    path("api/v2/knowledge/unanswered", article_views.UnansweredView.as_view()),
    path("api/v2/knowledge/unanswered/<uuid:message_id>/dismiss", article_views.UnansweredDismissView.as_view()),
    path("api/v2/knowledge-sites", site_views.SitesView.as_view()),
    path("api/v2/knowledge-sites/<uuid:site_id>", site_views.SiteView.as_view()),
    path("api/v2/knowledge-sites/<uuid:site_id>/read", site_views.SiteReadView.as_view()),
    path("api/v2/knowledge-sites/<uuid:site_id>/pages", site_views.SitePagesView.as_view()),
    path("api/v2/knowledge/<uuid:article_id>", article_views.ArticleView.as_view()),
    path("api/v2/knowledge/<uuid:article_id>/check", article_views.ArticleCheckView.as_view()),
    path("api/v2/providers", provider_views.ProvidersView.as_view()),
    path("api/v2/providers/<uuid:provider_id>", provider_views.ProviderView.as_view()),
    path("api/v2/providers/<uuid:provider_id>/test", provider_views.ProviderTestView.as_view()),
    path("api/v2/models", model_views.ModelsView.as_view()),
    path("api/v2/models/use", model_views.ModelUseView.as_view()),
    path("api/v2/models/<uuid:model_id>", model_views.ModelView.as_view()),
    path("api/v2/models/<uuid:model_id>/test", model_views.ModelTestView.as_view()),
    path("api/v2/templates", template_views.TemplatesView.as_view()),
    path("api/v2/templates/<uuid:template_id>", template_views.TemplateView.as_view()),
    path("api/v2/templates/<uuid:template_id>/preview", template_views.TemplatePreviewView.as_view()),
    path("api/v2/channels/<uuid:channel_id>/health", channel_views.ChannelHealthView.as_view()),
    # what language models are told, and may call
    path("api/v2/prompts", prompt_views.PromptsView.as_view()),
    path("api/v2/prompts/preview", prompt_views.PromptPreviewView.as_view()),
    path("api/v2/prompts/<uuid:prompt_id>", prompt_views.PromptView.as_view()),
    path("api/v2/prompts/<uuid:prompt_id>/activate", prompt_views.PromptActivateView.as_view()),
    path("api/v2/tools", tool_views.ToolsView.as_view()),
    path("api/v2/tools/offered", tool_views.OfferedView.as_view()),
    path("api/v2/tools/<uuid:tool_id>", tool_views.ToolView.as_view()),
    path("api/v2/tools/<uuid:tool_id>/try", tool_views.ToolTryView.as_view()),
    path("api/v2/product-source", product_views.ProductSourceView.as_view()),
    path("api/v2/product-source/try", product_views.ProductTryView.as_view()),
    # integrators' endpoints
    path("api/v2/webhook-endpoints", endpoint_views.EndpointsView.as_view()),
    path("api/v2/webhook-endpoints/<uuid:endpoint_id>", endpoint_views.EndpointView.as_view()),
    path("api/v2/webhook-endpoints/<uuid:endpoint_id>/rotate-secret", endpoint_views.RotateSecretView.as_view()),
    path("api/v2/webhook-endpoints/<uuid:endpoint_id>/ping", endpoint_views.PingView.as_view()),
    path("api/v2/webhook-endpoints/<uuid:endpoint_id>/resume", endpoint_views.ResumeView.as_view()),
    path("api/v2/webhook-endpoints/<uuid:endpoint_id>/replay", endpoint_views.ReplayView.as_view()),
    path("api/v2/webhook-endpoints/<uuid:endpoint_id>/deliveries", endpoint_views.CallsView.as_view()),
    path(
        "api/v2/webhook-endpoints/<uuid:endpoint_id>/deliveries/<uuid:delivery_id>", endpoint_views.CallView.as_view()
    ),
    path(
        "api/v2/webhook-endpoints/<uuid:endpoint_id>/deliveries/<uuid:delivery_id>/replay",
        endpoint_views.ReplayCallView.as_view(),
    ),
    # the web chat; its socket: chatsvc/asgi.py
    path("api/v2/webchat/<str:key>/session", webchat_views.SessionView.as_view()),
    path("api/v2/webchat/<str:key>/messages", webchat_views.MessagesView.as_view()),
    path("api/v2/webchat/<str:key>/files", visitor_uploads.TicketView.as_view()),
    path("api/v2/webchat/<str:key>/files/<str:ticket>", visitor_uploads.VisitorUploadView.as_view()),
    path("static/widget/dist/<str:name>", widget.of_another_release),
    # files of messages
    path("api/v2/media", upload_views.UploadView.as_view()),
    path("api/v2/media/<str:token>", media_views.MediaView.as_view()),
    # operators and visitors
    path("api/v2/deliveries", delivery_views.DeliveriesView.as_view()),
    path("api/v2/deliveries/<uuid:delivery_id>", delivery_views.DeliveryView.as_view()),
    path("api/v2/dead-letters", dead_letter_views.LettersView.as_view()),
    path("api/v2/dead-letters/replay", dead_letter_views.LettersReplayView.as_view()),
    path("api/v2/dead-letters/<uuid:letter_id>", dead_letter_views.LetterView.as_view()),
    path("api/v2/dead-letters/<uuid:letter_id>/replay", dead_letter_views.LetterReplayView.as_view()),
    path("api/v2/events", feed_views.EventsView.as_view()),
    path("api/v2/events/<uuid:event_id>", feed_views.EventView.as_view()),
    path("api/v2/audit", audit_views.AuditView.as_view()),
    path("api/v2/audit/export", audit_views.AuditExportView.as_view()),
    path("api/v2/audit/<uuid:entry_id>", audit_views.AuditEntryView.as_view()),
    path("api/v2/events/failed", failure_views.FailuresView.as_view()),
    path("api/v2/events/failed/<uuid:failure_id>", failure_views.FailureView.as_view()),
    path("api/v2/events/failed/<uuid:failure_id>/retry", failure_views.FailureRetryView.as_view()),
    path("api/v2/events/schemas", event_views.EventSchemasView.as_view()),
    path("api/v2/events/schemas/<str:name>", event_views.EventSchemaView.as_view()),
    path("", health.root, name="root"),
    path("info", health.info),
    path("favicon.ico", health.icon),
    path("metrics", metrics.metrics),
    *[
        path(f"{prefix}health{suffix}", view)
        for prefix in ("", "api/v2/")
        for suffix, view in (
            ("", health.live),
            ("/live", health.live),
            ("/ready", health.ready),
            ("/detailed", health.detailed),
            ("/info", health.info),
            ("/metrics", metrics.metrics),
        )
    ],
    path("api/v2/system/tenants", system_tenants.SystemTenantsView.as_view()),
    path("api/v2/system/tenants/<uuid:tenant_id>", system_tenants.SystemTenantView.as_view()),
    path("api/v2/system/stats", system.StatsView.as_view()),
    path("api/v2/system/cache/flush", system.CacheFlushView.as_view()),
    path("api/v2/system/rate-limits/reset", system.RateLimitsResetView.as_view()),
    # access
    path(".well-known/jwks.json", well_known.jwks),
    path(".well-known/oauth-authorization-server", well_known.authorization_server),
    path("api/v2/oauth/token", token_endpoint.token),
    path("api/v2/token-issuers", issuer_views.IssuersView.as_view()),
    path("api/v2/token-issuers/<uuid:issuer_id>", issuer_views.IssuerView.as_view()),
    path("api/v2/oauth-clients", client_views.ClientsView.as_view()),
    path("api/v2/oauth-clients/<uuid:row_id>", client_views.ClientView.as_view()),
    path("api/v2/oauth-clients/<uuid:row_id>/rotate", client_views.ClientRotateView.as_view()),
    path("api/v2/api-keys", key_views.KeysView.as_view()),
    path("api/v2/api-keys/<uuid:key_id>", key_views.KeyView.as_view()),
    path("api/v2/api-keys/<uuid:key_id>/rotate", key_views.KeyRotateView.as_view()),
    path("api/v2/tenant", tenant_views.TenantView.as_view()),
    path("api/v2/roles", role_views.RolesView.as_view()),
    path("api/v2/roles/<uuid:role_id>", role_views.RoleView.as_view()),
    path("api/v2/invitations", invitation_views.InvitationsView.as_view()),
    path("api/v2/invitations/<uuid:invitation_id>", invitation_views.InvitationView.as_view()),
    path("api/v2/invitations/<uuid:invitation_id>/send", invitation_views.InvitationSendView.as_view()),
    path("api/v2/auth/token", token_views.TokenView.as_view()),
    path("api/v2/auth/refresh", token_views.RefreshView.as_view()),
    path("api/v2/auth/revoke", token_views.RevokeView.as_view()),
    path("api/v2/token-families", family_views.FamiliesView.as_view()),
    path("api/v2/token-families/<uuid:family_id>", family_views.FamilyView.as_view()),
    # the API's own description
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("docs", RedirectView.as_view(pattern_name="docs")),  # where people look first
    path("api/redoc", SpectacularRedocView.as_view(url_name="schema"), name="redoc"),
]

handler400 = "chatsvc.web.errors.handler400"
handler403 = "chatsvc.web.errors.handler403"
handler404 = "chatsvc.web.errors.handler404"
handler500 = "chatsvc.web.errors.handler500"
