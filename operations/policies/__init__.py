"""Rules that a stack must obey, judged before anything is changed.

``rules`` has each rule as a function of a ``subject``; ``judge`` asks them all. The same functions run in a preview, in
`make lint` (over what the committed stack files declare, without an engine) and as a policy pack in
`pulumi up --policy-pack operations/policies/pack.py`.
"""
