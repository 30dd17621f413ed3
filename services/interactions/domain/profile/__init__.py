"""Who the customer is and what they allow."""
