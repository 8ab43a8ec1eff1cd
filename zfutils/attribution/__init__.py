"""What a unit or a class responds to: projections, strongest activations, occlusion, saliency."""
