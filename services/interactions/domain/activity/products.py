"""What the customer owns: each piece once, the first heard of its name."""

from services.interactions.domain.state import MAX_PRODUCTS, Customer, Product, altered
from shared.schemas.purchases import ProductRegistered
from shared.schemas.times import Micros, micros


def product_registered(customer: Customer, told: ProductRegistered, at: Micros) -> Customer:
    """Of too many those bought last are kept, whichever were heard first."""
    new = Product(
        product_id=told.product_id,
        at=at,
        sku=told.sku,
        purchased_at=micros(told.purchased_at),
        maintenance_every_days=told.maintenance_every_days,
    )
    products = sorted((*customer.products, new), key=_bought, reverse=True)
    return altered(customer, products=tuple(products[:MAX_PRODUCTS]))


def _bought(product: Product) -> tuple[Micros, str]:
    return product.purchased_at, product.product_id
