"""Which addresses does the console have? All below /console."""

from django.urls import path

from headgate.web.console import home

urlpatterns = [
    path("", home.page, name="console"),
]
