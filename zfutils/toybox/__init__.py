"""Toys rendered from distance functions: pictures with full ground truth, made on the spot.

Where is what: `primitives` the five kinds of shape · `solids` toys made of them · `draw` shape parameters · `animals`, `vehicles`, `things` the
families · `families` the list of all classes · `camera` pose and rays · `tracing` rays to surfaces · `materials`, `backdrop` looks ·
`scene` one picture · `difficulty` every knob · `collection` the sets · `sheets` pictures to look at · `checks` what the sets promise.
"""
