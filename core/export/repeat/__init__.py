"""The parts of the script that repeats a run, each written from the run's settings.

text: what a part is, and how comments and constants are written · network, tokens, keras_network: the network as torch or Keras
code · data, augmentation: the images that it learns from · training: how it learns, and what comes out
"""
