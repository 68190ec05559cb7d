"""The technical terms of the pages, each explained briefly for people who do not program."""

from dae.evaluation import FILTERS
from dae.noise import NOISES

_TERMS: dict[str, str] = {
    "Autoencoder": "A network that compresses an image into a **code** and reconstructs the image from it.",
    "Batch": "The images processed in one training step.",
    "Clipping": "Making values darker than black black, and those brighter than white white, as in an image file.",
    "Code": "The few numbers a model compresses an image into. Without skip connections, what the code loses is lost.",
    "Convolutional": "Layers that detect the same small patterns, such as edges, everywhere in the image.",
    "Data set": "Many images of one kind, split into training, validation and test images.",
    "Decibel (dB)": "Unit of PSNR. +1 dB is barely visible; +3 dB halves the squared error.",
    "Denoising": "Removing noise. The model learns from pairs of noisy and clean images.",
    "Drawn digits": "Digits drawn by a program, so that everything works without a download.",
    "Encoder": "The part of a model that computes the code of an image.",
    "Epoch": "One pass over all training images.",
    "Filter": "A classical method without training, such as the median; in a network, what a layer looks for.",
    "Fine-tuning": "Training a trained model further, for another task.",
    "Gain": "PSNR improvement over the noisy input. Negative means worse.",
    "Interval (±)": "95% confidence interval of the mean; for repeated trainings, the standard deviation.",
    "L2 distance": "Square root of the sum of squared pixel differences. Lower is better.",
    "Label": "The correct class of an image, such as the digit, as recorded by people.",
    "Learning rate": "Step size of training. Too small is slow, too large diverges.",
    "Linear probe": "A test of a code: how well a simple classifier reads the digit from it.",
    "Linear": "Fully connected layers: every pixel is connected to every unit.",
    "Loss": "The error that training minimizes, usually MSE.",
    "MNIST": "70,000 handwritten digits, a standard benchmark since 1998.",
    "MSE": "Mean squared error over the pixels. Lower is better.",
    "Muon": "A recent optimizer that often reaches a lower error in the same number of epochs.",
    "Noise": f"Random changes that degrade an image. There are {len(NOISES)} kinds, from grain to a hidden rectangle.",
    "Noise2Noise": "Training with noisy pairs only, no clean images. Works when noise averages to zero.",
    "Noise draw": "One random instance of the noise.",
    "Noise level": "How much noise there is: 0 is none. What 1 means depends on the kind.",
    "Noisy input": "The noisy image itself, without denoising: the baseline every model must beat.",
    "Optimizer": "The rule that changes the weights after each batch.",
    "PCA": "Principal component analysis: a projection onto the directions of greatest variance.",
    "PSNR": "Peak signal-to-noise ratio: how close an image is to the clean one, in decibels. Higher is better.",
    "Parameters": "The trainable numbers of a model, also called weights.",
    "Race": "Models trained in turns on the same task, one epoch at a time.",
    "Recipe": "A named set of training settings.",
    "Run": "One training of one model, kept with its settings, curves and weights.",
    "SSIM": "Structural similarity, 1 = identical. Closer to human perception than MSE.",
    "Seed": "Starting number for randomness: same seed, same result.",
    "Step": "One change of the weights, after one batch.",
    "Teacher": "A trained model whose outputs another model is trained on.",
    "Test images": "Images never used for training or validation, for fair evaluation.",
    "U-Net": "A network that works at several scales and predicts the noise to subtract.",
    "Validation": "Measurement on up to 1,000 held-out training images, always with the same noise.",
    "t-SNE": "A map that keeps neighbors together; distances between clusters mean nothing.",
}
_KINDS = {f"{entry.label} (noise)": entry.help for entry in NOISES.values()}
_FILTERS = {f"{entry.label.removesuffix(' filter')} (filter)": entry.help for entry in FILTERS.values()}
_ALL = _TERMS | _KINDS | _FILTERS
GLOSSARY = {term: _ALL[term] for term in sorted(_ALL, key=str.casefold)}
