"""Every address of the marketplace."""

from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import DefaultRouter

import registry.api
import registry.events_api
import registry.goals_api
import registry.transfers_api
import search.api
import search.glossary_api
from marketplace import health
from marketplace.accounts.api import MeView
from marketplace.accounts.views import jwks
from marketplace.api import not_found
from marketplace.catalogue.api import ProductViewSet
from marketplace.catalogue.batch_api import BatchView
from marketplace.catalogue.contract_changes_api import ContractChangesView
from marketplace.catalogue.given_contracts_api import GivenContractsFoundView, GivenContractsView
from marketplace.catalogue.inside_api import InsideView
from marketplace.dashboards.producer.api import ProductUsageView, UnansweredView, UsageView
from marketplace.dashboards.quality.api import SearchQualityView
from marketplace.exports.api import ExportsView
from marketplace.metrics import metrics
from marketplace.notices import api as notices
from marketplace.publishing.api import GrantView
from marketplace.publishing.catalogue_api import CatalogueRunView, CataloguesView
from marketplace.publishing.comparing_api import ComparisonView
from marketplace.publishing.register_api import InspectionsView, InspectionView, RegisterView
from marketplace.trust import api as trust

router = DefaultRouter()
router.include_root_view = False
router.register("products", ProductViewSet, basename="product")
router.register("domains", registry.api.DomainViewSet, basename="domain")
router.register("goals", registry.goals_api.GoalViewSet, basename="goal")

api: list[URLPattern | URLResolver] = [
    path("products/batch/", BatchView.as_view(), name="products-batch"),
    path("products/<uuid:uuid>/exports/", ExportsView.as_view(), name="exports"),
    path("products/<uuid:uuid>/checklist/", trust.ChecklistView.as_view(), name="product-checklist"),
    path("products/<uuid:uuid>/fair/", trust.FairView.as_view(), name="product-fair"),
    path("products/<uuid:uuid>/comparison/", ComparisonView.as_view(), name="comparison"),
    path("products/<uuid:uuid>/purposes/", registry.goals_api.PurposesView.as_view(), name="purposes"),
    path("products/<uuid:uuid>/similar/", search.api.SimilarView.as_view(), name="similar"),
    path("products/<uuid:uuid>/grants/", GrantView.as_view(), name="grants"),
    path(
        "products/<slug:domain>/<slug:name>/contracts/<path:contract>/changes",
        ContractChangesView.as_view(),
        name="contract-changes",
    ),
    path("", include(router.urls)),
    path("search/inside", InsideView.as_view(), name="search-inside"),
    path("glossary/", search.glossary_api.GlossaryView.as_view(), name="glossary"),
    path("glossary/<str:short>", search.glossary_api.AbbreviationView.as_view(), name="abbreviation"),
    path("search/suggestions", search.api.SuggestView.as_view(), name="search-suggestions"),
    path("search/", search.api.SearchView.as_view(), name="search"),
    path("resolve/<slug:domain>/<slug:name>", registry.api.ResolveView.as_view(), name="resolve"),
    path("checklist/", trust.PolicyView.as_view(), name="checklist"),
    path("inspections/", InspectionsView.as_view(), name="inspections"),
    path("inspections/<str:token>", InspectionView.as_view(), name="inspection"),
    path("catalogues/", CataloguesView.as_view(), name="catalogues"),
    path("catalogues/<uuid:run>", CatalogueRunView.as_view(), name="catalogue-run"),
    path("register", RegisterView.as_view(), name="register"),
    path("events", registry.events_api.EventsView.as_view(), name="events"),
    path("transfers/", registry.transfers_api.OffersView.as_view(), name="transfers"),
    path("search-quality/", SearchQualityView.as_view(), name="search-quality"),
    path("usage/", UsageView.as_view(), name="usage"),
    path("usage/unanswered/", UnansweredView.as_view(), name="usage-unanswered"),
    path("usage/<uuid:uuid>/", ProductUsageView.as_view(), name="usage-product"),
    path("contract-changes/", GivenContractsView.as_view(), name="given-contracts"),
    path("contract-changes/<str:token>", GivenContractsFoundView.as_view(), name="given-contracts-found"),
    path("me/", MeView.as_view(), name="me"),
    path("me/follows/", notices.FollowsView.as_view(), name="follows"),
    path("me/follows/<uuid:uuid>/", notices.FollowView.as_view(), name="follow"),
    path("me/saved-searches/", notices.SavedSearchesView.as_view(), name="saved-searches"),
    path("me/saved-searches/<uuid:uuid>/", notices.SavedSearchView.as_view(), name="saved-search"),
    path("me/inbox/", notices.InboxView.as_view(), name="inbox"),
    path("me/inbox/read/", notices.InboxReadView.as_view(), name="inbox-read"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
    re_path(r"^.*$", not_found),
]

handler400 = "marketplace.errors.bad_request"
handler500 = "marketplace.errors.server_error"

urlpatterns = [
    path("", include("marketplace.exports.urls")),
    path("", include("marketplace.trust.urls")),
    path("", include("marketplace.catalogue.urls")),
    path("", include("marketplace.notices.urls")),
    path("guides/", include("marketplace.guides.urls")),
    path("publish/", include("marketplace.publishing.urls")),
    path("dashboard/", include("marketplace.dashboards.urls")),
    path("accounts/", include("marketplace.accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path(".well-known/jwks.json", jwks, name="jwks"),
    path("api/v1/", include((api, "api"))),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
