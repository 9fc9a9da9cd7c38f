"""Which addresses does the console have? All below /console."""

from django.urls import path

from headgate.web.console import (
    api_acts,
    apis,
    applications,
    approvals,
    audit,
    blocks,
    clients,
    gateways,
    home,
    imports,
    keys,
    lifecycle,
    look,
    nodes,
    numbers,
    operations,
    organizations,
    people,
    plans,
    policies,
    products,
    releases,
    subscriptions,
    tokens,
    traffic,
)

_CATALOG = [
    path("/apis", apis.page, name="console_apis"),
    path("/import", imports.page, name="console_import"),
    path("/apis/<str:api>", apis.one, name="console_api"),
    path("/apis/<str:api>/publish", api_acts.publish, name="console_api_publish"),
    path("/apis/<str:api>/unpublish", api_acts.unpublish, name="console_api_unpublish"),
    path("/apis/<str:api>/settings", api_acts.edit, name="console_api_edit"),
    path("/apis/<str:api>/default", api_acts.make_default, name="console_api_default"),
    path("/apis/<str:api>/callers", lifecycle.callers, name="console_api_callers"),
    path("/apis/<str:api>/deprecate", lifecycle.deprecate, name="console_api_deprecate"),
    path("/apis/<str:api>/undeprecate", lifecycle.undeprecate, name="console_api_undeprecate"),
    path("/apis/<str:api>/retire", lifecycle.retire, name="console_api_retire"),
    path("/apis/<str:api>/delete", api_acts.delete, name="console_api_delete"),
    path("/apis/<str:api>/release", releases.start, name="console_api_release"),
    path("/apis/<str:api>/operations", operations.page, name="console_api_operations"),
    path("/apis/<str:api>/operations/<path:operation>", operations.one, name="console_operation"),
    path("/policies/<str:place>/<path:name>", policies.page, name="console_policies"),
    path("/policy/<str:place>/<path:name>", policies.edit, name="console_policy"),
    path(
        "/remove-policy/<str:place>/<str:kind>/<path:name>",
        policies.remove,
        name="console_policy_remove",
    ),
    path("/releases", releases.page, name="console_releases"),
    path("/releases/<str:release>", releases.one, name="console_release"),
    path("/releases/<str:release>/change", releases.change, name="console_release_change"),
    path("/releases/<str:release>/promote", releases.promote, name="console_release_promote"),
    path("/releases/<str:release>/abort", releases.abort, name="console_release_abort"),
    path("/products", products.page, name="console_products"),
    path("/new/product", products.new, name="console_product_new"),
    path("/products/<str:product>", products.one, name="console_product"),
    path("/products/<str:product>/edit", products.edit, name="console_product_edit"),
    path("/products/<str:product>/delete", products.delete, name="console_product_delete"),
    path("/products/<str:product>/new-plan", plans.new, name="console_plan_new"),
    path("/products/<str:product>/plans/<str:plan>", plans.one, name="console_plan"),
    path("/products/<str:product>/plans/<str:plan>/edit", plans.edit, name="console_plan_edit"),
    path(
        "/products/<str:product>/plans/<str:plan>/delete", plans.delete, name="console_plan_delete"
    ),
]
_CONSUMERS = [
    path("/organizations", organizations.page, name="console_organizations"),
    path("/new/organization", organizations.new, name="console_organization_new"),
    path("/organizations/<str:name>", organizations.one, name="console_organization"),
    path("/organizations/<str:name>/edit", organizations.edit, name="console_organization_edit"),
    path(
        "/organizations/<str:name>/suspend",
        organizations.suspend,
        name="console_organization_suspend",
    ),
    path(
        "/organizations/<str:name>/delete", organizations.delete, name="console_organization_delete"
    ),
    path("/applications", applications.page, name="console_applications"),
    path("/new/application", applications.new, name="console_application_new"),
    *(
        path(f"/applications/<str:organization>/<str:name>{end}", view, name=name)
        for end, view, name in (
            ("", applications.one, "console_application"),
            ("/edit", applications.edit, "console_application_edit"),
            ("/suspend", applications.suspend, "console_application_suspend"),
            ("/delete", applications.delete, "console_application_delete"),
            ("/new-key", keys.new, "console_application_key"),
            ("/new-client", clients.new, "console_application_client"),
            ("/subscribe", subscriptions.new, "console_application_subscribe"),
        )
    ),
    path("/approvals", approvals.page, name="console_approvals"),
    path("/approvals/<str:asked>", approvals.one, name="console_approval"),
    path("/subscriptions", subscriptions.page, name="console_subscriptions"),
    *(
        path(f"/subscriptions/<str:subscription>{end}", view, name=name)
        for end, view, name in (
            ("", subscriptions.one, "console_subscription"),
            ("/edit", subscriptions.edit, "console_subscription_edit"),
            ("/suspend", subscriptions.suspend, "console_subscription_suspend"),
            ("/cancel", subscriptions.cancel, "console_subscription_cancel"),
        )
    ),
    path("/keys", keys.page, name="console_keys"),
    path("/keys/<str:key>", keys.one, name="console_key"),
    path("/keys/<str:key>/edit", keys.edit, name="console_key_edit"),
    path("/keys/<str:key>/rotate", keys.rotate, name="console_key_rotate"),
    path("/keys/<str:key>/revoke", keys.revoke, name="console_key_revoke"),
    path("/clients", clients.page, name="console_clients"),
    path("/clients/<str:client>", clients.one, name="console_client"),
    path("/clients/<str:client>/edit", clients.edit, name="console_client_edit"),
    path("/clients/<str:client>/rotate", clients.rotate, name="console_client_rotate"),
    path("/clients/<str:client>/revoke", clients.revoke, name="console_client_revoke"),
]
_TRAFFIC = [
    path("/traffic", traffic.page, name="console_traffic"),
    path("/traffic/new", traffic.new, name="console_traffic_new"),
    path("/requests/<str:request_id>", traffic.one, name="console_request"),
    path("/numbers", numbers.page, name="console_numbers"),
]
_OPERATION = [
    path("/gateways", gateways.page, name="console_gateways"),
    path("/new/gateway", gateways.new, name="console_gateway_new"),
    path("/gateways/<str:gateway>", gateways.one, name="console_gateway"),
    path("/gateways/<str:gateway>/edit", gateways.edit, name="console_gateway_edit"),
    path(
        "/gateways/<str:gateway>/rollback/<int:revision>",
        gateways.rollback,
        name="console_rollback",
    ),
    path("/nodes", nodes.page, name="console_nodes"),
    path("/new/node", nodes.new, name="console_node_new"),
    path("/nodes/<str:node>", nodes.one, name="console_node"),
    path("/nodes/<str:node>/new-token", nodes.rotate, name="console_node_rotate"),
    path("/nodes/<str:node>/forget", nodes.delete, name="console_node_delete"),
    path("/blocks", blocks.page, name="console_blocks"),
    path("/new/block", blocks.new, name="console_block_new"),
    path("/blocks/<str:block>", blocks.one, name="console_block"),
    path("/blocks/<str:block>/lift", blocks.lift, name="console_block_lift"),
]
_CONTROL = [
    path("/audit", audit.page, name="console_audit"),
    path("/audit/<str:entry>", audit.one, name="console_entry"),
    path("/people", people.page, name="console_people"),
    path("/new/person", people.new, name="console_person_new"),
    path("/people/<str:user>", people.one, name="console_person"),
    path("/people/<str:user>/role", people.role, name="console_person_role"),
    path("/people/<str:user>/account", people.switch, name="console_person_switch"),
    path("/tokens", tokens.page, name="console_tokens"),
    path("/new/token", tokens.new, name="console_token_new"),
    path("/tokens/<str:token>", tokens.one, name="console_token"),
    path("/tokens/<str:token>/revoke", tokens.revoke, name="console_token_revoke"),
]
urlpatterns = [
    path("", home.page, name="console"),
    path("/look", look.page, name="console_look"),
    path("/look/pages/<name>", look.text_page, name="console_text_page"),
    path("/look/pages/<name>/delete", look.delete, name="console_text_page_delete"),
    *_CATALOG,
    *_CONSUMERS,
    *_TRAFFIC,
    *_OPERATION,
    *_CONTROL,
]
