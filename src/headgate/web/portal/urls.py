"""Which addresses does the portal have?"""

from django.urls import path

from headgate.web.portal import (
    applications,
    clients,
    home,
    keys,
    organization,
    products,
    reference,
    reports,
    subscribing,
    text_pages,
    trying,
)

APPLICATION = "applications/<str:organization>/<str:name>"

urlpatterns = [
    path("", home.page, name="portal"),
    path("apis/<str:name>", reference.page, name="portal_api"),
    path("apis/<str:name>/files/<str:file>", reference.file, name="portal_api_file"),
    path("apis/<str:name>/schemas/<str:slug>", reference.schema, name="portal_schema"),
    path("apis/<str:name>/try/<path:slug>", trying.page, name="portal_try"),
    path("apis/<str:name>/operations/<path:slug>", reference.operation, name="portal_operation"),
    path("products", home.products, name="portal_products"),
    path("products/<str:name>", products.page, name="portal_product"),
    path("products/<str:product>/subscribe", subscribing.new, name="portal_subscribe"),
    path("organization", organization.page, name="portal_organization"),
    path("organization/new", organization.new, name="portal_organization_new"),
    path("organization/invite", organization.invite, name="portal_invite"),
    path(
        "organization/invitations/<str:invitation>/withdraw",
        organization.withdraw,
        name="portal_withdraw",
    ),
    path("invitations/<str:invitation>/accept", organization.accept, name="portal_accept"),
    path("organization/members/<str:membership_id>", organization.one, name="portal_member"),
    path(
        "organization/members/<str:membership_id>/remove",
        organization.remove,
        name="portal_member_remove",
    ),
    path("applications", applications.page, name="portal_applications"),
    path("applications/new", applications.new, name="portal_application_new"),
    path(APPLICATION, applications.one, name="portal_application"),
    path(f"{APPLICATION}/change", applications.change, name="portal_application_change"),
    path(f"{APPLICATION}/delete", applications.delete, name="portal_application_delete"),
    path(f"{APPLICATION}/report", reports.page, name="portal_report"),
    path(f"{APPLICATION}/calls/<str:request_id>", reports.one, name="portal_call"),
    path(f"{APPLICATION}/keys/new", keys.new, name="portal_key_new"),
    path(f"{APPLICATION}/keys/<str:key>", keys.one, name="portal_key"),
    path(f"{APPLICATION}/keys/<str:key>/rotate", keys.rotate, name="portal_key_rotate"),
    path(f"{APPLICATION}/keys/<str:key>/revoke", keys.revoke, name="portal_key_revoke"),
    path(f"{APPLICATION}/clients/new", clients.new, name="portal_client_new"),
    path(f"{APPLICATION}/clients/<str:client>", clients.one, name="portal_client"),
    path(f"{APPLICATION}/clients/<str:client>/revoke", clients.revoke, name="portal_client_revoke"),
    path(
        f"{APPLICATION}/subscriptions/<str:subscription>/plan",
        subscribing.change,
        name="portal_subscription_change",
    ),
    path(
        f"{APPLICATION}/subscriptions/<str:subscription>/end",
        subscribing.cancel,
        name="portal_subscription_end",
    ),
    path("pages/<str:name>", text_pages.page, name="portal_text_page"),
    path(
        f"{APPLICATION}/requests/<str:asked>/withdraw",
        subscribing.withdraw,
        name="portal_request_withdraw",
    ),
]
