"""Which addresses does the portal have?"""

from django.urls import path

from headgate.web.portal import home

urlpatterns = [
    path("", home.page, name="portal"),
]
