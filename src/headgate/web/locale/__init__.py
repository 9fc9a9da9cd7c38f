"""The sites in other languages than English: `<language>/LC_MESSAGES/django.po`.

`python -m headgate.web.locale.update` puts new sentences in and takes those out that no page
says any more; `python -m headgate.web.locale.build` compiles, as every installation does.
"""
