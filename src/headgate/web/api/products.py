"""REST: products, and the plans that they are subscribed to under."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from headgate.model.limits import LIMITS_PER_PLAN_MAX
from headgate.store.models import Plan, Product
from headgate.store.services.catalog import plans, products
from headgate.web.api.fields import ConcurrentText, Input, LimitText, Name, Output, Title, created
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

APIS_PER_PRODUCT_MAX = 1000
router = Router()


class ProductIn(Input):
    """A new product."""

    name: Name
    title: Title = ""
    apis: list[Name] = Field([], max_length=APIS_PER_PRODUCT_MAX)


class ProductChange(Input):
    """What to change; what is left out stays. `apis` replaces the whole list."""

    title: Title | None = None
    apis: list[Name] | None = Field(None, max_length=APIS_PER_PRODUCT_MAX)


class ProductOut(Output):
    """APIs under one name, for consumers to subscribe to."""

    id: str
    name: str
    title: str
    apis: list[str]
    plans: list[str]
    created_at: datetime


class PlanIn(Input):
    """A new plan."""

    name: Name
    title: Title = ""
    rates: list[LimitText] = Field(
        [], max_length=LIMITS_PER_PLAN_MAX, examples=[["10/second", "100/minute+50"]]
    )
    quotas: list[LimitText] = Field([], max_length=LIMITS_PER_PLAN_MAX, examples=[["1000/month"]])
    concurrent: ConcurrentText = Field("", examples=["5"])
    needs_approval: bool = False


class PlanChange(Input):
    """What to change. Each kind of limits that is given replaces all of its kind."""

    title: Title | None = None
    rates: list[LimitText] | None = Field(None, max_length=LIMITS_PER_PLAN_MAX)
    quotas: list[LimitText] | None = Field(None, max_length=LIMITS_PER_PLAN_MAX)
    concurrent: ConcurrentText | None = None
    needs_approval: bool | None = None


class PlanOut(Output):
    """How much the subscribers of a product may use."""

    id: str
    plan: str = Field(..., description="`product/name`")
    product: str
    name: str
    title: str
    rates: list[str]
    quotas: list[str]
    concurrent: str = Field(..., description="Calls that may run at one time; empty: any number.")
    needs_approval: bool = Field(
        ..., description="Whether an organization asks for it, and an operator grants it."
    )
    created_at: datetime


def show(product: Product) -> ProductOut:
    """As it is answered."""
    return ProductOut(
        id=product.id,
        name=product.name,
        title=product.title,
        apis=products.api_names(product),
        plans=sorted(plan.name for plan in product.plans.all() if plan.removed_at is None),
        created_at=product.created_at,
    )


def show_plan(plan: Plan) -> PlanOut:
    """As it is answered."""
    return PlanOut(
        id=plan.id,
        plan=plan.path,
        product=plan.product.name,
        name=plan.name,
        title=plan.title,
        rates=plans.rates(plan),
        quotas=plans.quotas(plan),
        concurrent=plans.concurrent(plan),
        needs_approval=plan.needs_approval,
        created_at=plan.created_at,
    )


@router.get("/products", response=PageOut[ProductOut], operation_id="listProducts")
def list_products(request: HttpRequest, paging: Query[PageQuery]) -> object:
    """Products in the order in which they were made."""
    return page_out(products.page(actor(request), cursor=paging.position, limit=paging.limit), show)


@router.post("/products", response={201: ProductOut}, operation_id="createProduct")
def create_product(request: HttpRequest, response: HttpResponse, body: ProductIn) -> object:
    """Create a product of these APIs."""
    made = products.create(actor(request), name=body.name, title=body.title, apis=body.apis)
    return created(response, show(made), "products", made.name)


@router.get("/products/{name}", response=ProductOut, operation_id="getProduct")
def get_product(request: HttpRequest, name: str) -> object:
    """One product."""
    return show(products.get(actor(request), name))


@router.patch("/products/{name}", response=ProductOut, operation_id="changeProduct")
def change_product(request: HttpRequest, name: str, body: ProductChange) -> object:
    """Change a product. Its subscribers may call its new APIs at once."""
    return show(products.update(actor(request), name, title=body.title, apis=body.apis))


@router.delete("/products/{name}", response={204: None}, operation_id="deleteProduct")
def delete_product(request: HttpRequest, name: str) -> None:
    """Delete a product that nobody is subscribed to, with its plans."""
    products.delete(actor(request), name)


@router.get("/products/{product}/plans", response=PageOut[PlanOut], operation_id="listPlans")
def list_plans(request: HttpRequest, product: str, paging: Query[PageQuery]) -> object:
    """The plans of a product."""
    page = plans.page(actor(request), product, cursor=paging.position, limit=paging.limit)
    return page_out(page, show_plan)


@router.post("/products/{product}/plans", response={201: PlanOut}, operation_id="createPlan")
def create_plan(request: HttpRequest, response: HttpResponse, product: str, body: PlanIn) -> object:
    """Create a plan. Rates are written `10/second` or `10/second+50`, quotas `1000/month` or, with
    a month that begins on the 15th, `1000/month@15`; a limit followed by ` shadow` is only counted.
    """
    made = plans.create(
        actor(request),
        product=product,
        name=body.name,
        title=body.title,
        rates=body.rates,
        quotas=body.quotas,
        concurrent=body.concurrent,
        needs_approval=body.needs_approval,
    )
    return created(response, show_plan(made), "products", product, "plans", made.name)


@router.get("/products/{product}/plans/{plan}", response=PlanOut, operation_id="getPlan")
def get_plan(request: HttpRequest, product: str, plan: str) -> object:
    """One plan."""
    return show_plan(plans.get(actor(request), f"{product}/{plan}"))


@router.patch("/products/{product}/plans/{plan}", response=PlanOut, operation_id="changePlan")
def change_plan(request: HttpRequest, product: str, plan: str, body: PlanChange) -> object:
    """Change a plan. A limit of the same kind and window keeps what has been used."""
    changed = plans.update(
        actor(request),
        f"{product}/{plan}",
        title=body.title,
        rates=body.rates,
        quotas=body.quotas,
        concurrent=body.concurrent,
        needs_approval=body.needs_approval,
    )
    return show_plan(changed)


@router.delete("/products/{product}/plans/{plan}", response={204: None}, operation_id="deletePlan")
def delete_plan(request: HttpRequest, product: str, plan: str) -> None:
    """Delete a plan that nobody is subscribed to."""
    plans.delete(actor(request), f"{product}/{plan}")
