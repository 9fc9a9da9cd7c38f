"""Which addresses does the console have? All below /console."""

from django.urls import path

from headgate.web.console import home, look

urlpatterns = [
    path("", home.page, name="console"),
    path("/look", look.page, name="console_look"),
    path("/look/pages/<name>", look.text_page, name="console_text_page"),
    path("/look/pages/<name>/delete", look.delete, name="console_text_page_delete"),
]
