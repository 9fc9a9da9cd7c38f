"""Which addresses do the small acts of every page have?"""

from django.urls import path

from headgate.web.site import views

urlpatterns = [
    path("theme", views.theme, name="theme"),
    path("language", views.language, name="language"),
    path("organization", views.organization, name="choose_organization"),
]
