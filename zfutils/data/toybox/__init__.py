"""Toys rendered from distance functions: pictures with full ground truth, made on the spot.

Where is what: `primitives` the five kinds of shape; `solids` toys made of them; `draw` their parameters; `animals`, `vehicles`, `things`
the classes; `families` the list of them; `camera` pose and framing; `tracing` rays to surfaces; `materials`, `backdrop`, `studio` looks and
light; `scene` one picture; `difficulty` every knob; `collection` the sets.
"""
