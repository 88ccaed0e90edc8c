"""Addresses of exports."""

from django.urls import path, register_converter

from marketplace.exports import views
from marketplace.exports.formats import BY_FILE


class ExportFile:
    """The end of an export's address, like `dcat.ttl`."""

    regex = "|".join(file.replace(".", r"\.") for file in BY_FILE)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(ExportFile, "export_file")

app_name = "exports"

urlpatterns = [
    path("products/<slug:domain>/<slug:name>/<export_file:file>", views.product, name="product"),
    path("data.json", views.whole_data_json, name="data-json"),
    path("catalog", views.catalog, name="catalog"),
    path("catalog.jsonld", views.catalog_json_ld, name="catalog-jsonld"),
    path("catalog.ttl", views.catalog_turtle, name="catalog-ttl"),
    path("sitemap.xml", views.sitemap_index, name="sitemap-index"),
    path("sitemap-pages.xml", views.sitemap_pages, name="sitemap-pages"),
    path("sitemap-<int:number>.xml", views.sitemap, name="sitemap"),
]
