"""Which addresses do accounts have? allauth's, below /account/, and the first administrator's."""

from django.urls import include, path

from headgate.web.accounts import first

urlpatterns = [
    path("first", first.page, name="first_administrator"),
    path("", include("allauth.account.urls")),
    path("2fa/", include("allauth.mfa.urls")),
    path("connections/", include("allauth.socialaccount.urls")),
    path("", include("allauth.socialaccount.providers.openid_connect.urls")),
]
