"""Looks into a trained network: arrays in, arrays out, with torch.

anatomy         the layers of a network, in order, with shapes, weights and work
copies          a private copy of a network, or one with its weights drawn anew
activations     what each layer makes of one image; templates, kernels, attention and token mixing as pictures
layer_pictures  the same as pictures that are shown without torch
arithmetic      the sum behind one number of a layer; one step of a memory, gate by gate
attribution     which pixels speak for an answer: saliency, integrated gradients, occlusion, Grad-CAM; with weights drawn anew
embedding       what the last layer takes of many images; nearest neighbours among them
maps            vectors in two dimensions: PCA, and t-SNE with progress and stop
tsne_process    the latter in a process of its own
counterfactual  the nearest other digit, the smallest FGSM and PGD change, the picture that a score likes best
diagnostics     gradients, silent units and sizes of updates, layer by layer
one_step        one training step with all its numbers
distortions     test images moved, turned, resized, noisy, covered; corruptions: fifteen named ones
robustness      how often networks are right on them, point by point; one digit at every place

Most take a module in eval mode on the CPU, as ``core.engine.evaluate.Predictor.module`` is, and leaves it as it was: weights,
hooks and mode. None draws from torch's global random numbers, which belong to whoever trains in this process.
"""
