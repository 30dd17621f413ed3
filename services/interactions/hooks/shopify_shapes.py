"""The parts of Shopify's webhooks that are read: REST Admin API, any version since 2019. What is not here is
passed over. Amounts without ``_set`` are in the shop's currency."""

from msgspec import Struct

from services.interactions.hooks.heard import Amount, Key


class Money(Struct):
    amount: Amount = None
    currency_code: str | None = None


class MoneySet(Struct):
    """An amount in the shop's currency and in the customer's."""

    shop_money: Money | None = None


class Allocation(Struct):
    """Of a discount, the part that a line bears, those of the whole order too."""

    amount: Amount = None
    amount_set: MoneySet | None = None


class TaxLine(Struct):
    price: Amount = None
    price_set: MoneySet | None = None


class Line(Struct):
    """Of an order, goods or shipping."""

    id: Key | None = None
    sku: str | None = None
    variant_id: Key | None = None
    product_id: Key | None = None
    title: str | None = None
    quantity: int = 1
    current_quantity: int | None = None
    price: Amount = None
    price_set: MoneySet | None = None
    total_discount: Amount = None
    discount_allocations: list[Allocation] | None = None
    tax_lines: list[TaxLine] | None = None
    gift_card: bool | None = None
    is_removed: bool | None = None
    discounted_price: Amount = None


class Transaction(Struct):
    kind: str | None = None
    status: str | None = None
    amount: Amount = None
    currency: str | None = None
    test: bool | None = None


class RefundLine(Struct):
    line_item_id: Key | None = None
    quantity: int = 0
    subtotal: Amount = None
    subtotal_set: MoneySet | None = None
    total_tax: Amount = None
    total_tax_set: MoneySet | None = None
    line_item: Line | None = None


class Adjustment(Struct):
    """What a refund differs by from the lines that it names: below 0 where more went back, as shipping."""

    amount: Amount = None
    amount_set: MoneySet | None = None
    tax_amount: Amount = None
    tax_amount_set: MoneySet | None = None


class Refund(Struct):
    id: Key
    order_id: Key | None = None
    created_at: str | None = None
    processed_at: str | None = None
    refund_line_items: list[RefundLine] | None = None
    transactions: list[Transaction] | None = None
    order_adjustments: list[Adjustment] | None = None


class Consent(Struct):
    state: str | None = None
    opt_in_level: str | None = None
    consent_updated_at: str | None = None


class Address(Struct):
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None


class Customer(Struct):
    id: Key | None = None
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    default_address: Address | None = None
    email_marketing_consent: Consent | None = None
    sms_marketing_consent: Consent | None = None


class Code(Struct):
    code: str | None = None


class Order(Struct):
    id: Key
    currency: str
    total_price: Amount
    test: bool | None = None
    email: str | None = None
    contact_email: str | None = None
    phone: str | None = None
    created_at: str | None = None
    processed_at: str | None = None
    updated_at: str | None = None
    cancelled_at: str | None = None
    financial_status: str | None = None
    source_name: str | None = None
    location_id: Key | None = None
    taxes_included: bool | None = None
    total_price_set: MoneySet | None = None
    current_total_price: Amount = None
    current_total_price_set: MoneySet | None = None
    total_tip_received: Amount = None
    original_total_duties_set: MoneySet | None = None
    original_total_additional_fees_set: MoneySet | None = None
    line_items: list[Line] | None = None
    shipping_lines: list[Line] | None = None
    refunds: list[Refund] | None = None
    discount_codes: list[Code] | None = None
    customer: Customer | None = None
    billing_address: Address | None = None


class Named(Struct):
    """What is left of a thing that was deleted."""

    id: Key


class Kind(Struct):
    """What an edit's webhook is: one of the edit alone says nothing of amounts."""

    order_edit: Named | None = None
    line_items: list[Line] | None = None
