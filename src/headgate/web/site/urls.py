"""Which addresses do the small acts of every page have?"""

from django.urls import path

from headgate.web.site import brand, views

urlpatterns = [
    path("brand.css", brand.style, name="brand_style"),
    path("logo", brand.logo, name="brand_logo"),
    path("theme", views.theme, name="theme"),
    path("language", views.language, name="language"),
    path("organization", views.organization, name="choose_organization"),
]
