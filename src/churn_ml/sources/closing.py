"""What a proposed churn.toml ends with, whatever the shop's files are.

Enters: nothing. Leaves: consent, an offer as a comment, the holdout and one destination. Worked
example: as proposed, everybody is scored and nobody contacted, for no consent is on record.
"""

CLOSING = """\
[consent]
# "none": nobody is contacted of whom no consent is on record, so without a table of consents no
# offer is made at all; "assumed" contacts them
default = "none"

# What can be done for a customer, with what it costs in the shop's currency. Without an offer every
# customer is scored and none is contacted. See docs/economics.md for the letters.
# [[offers]]
# code = "COUPON_5"
# label = "5 off the next order"
# channel = "email"
# cost_amount = 5.0             # d: when redeemed
# contact_amount = 0.05         # k: always
# redeem_share = 0.7            # q: share of stayers who redeem it
# save_rate = 0.2               # gamma: share of churners it keeps; the prior's mean where absent

[holdout]
share = 0.1

[destinations.crm_file]
kind = "file"
target = "exports"              # a folder of CSV files; set delivers = true only where an
                                # acknowledged row means that the customer was contacted
first_load = "send"             # files contact nobody; leave it out and the first load asks you
"""
