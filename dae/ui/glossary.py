"""The project's words, each in a sentence for people who do not program."""

from dae.classical import CLASSICAL
from dae.noise import NOISES

_WORDS: dict[str, str] = {
    "Autoencoder": "A network that squeezes a picture into a **code** and draws it again from that code.",
    "Batch": "The pictures that a model looks at before it changes its weights once.",
    "Code": "The few numbers that a model keeps of a picture. What it does not keep, it cannot draw again.",
    "Convolutional": "Looks for the same small patterns, strokes and edges, everywhere in the picture.",
    "Data set": "Many pictures of one kind: training pictures to learn from, test pictures to be judged by.",
    "Decibel (dB)": "The unit of PSNR. 1 dB more is just visible, 3 dB more is half the squared error.",
    "Denoising": "Taking noise away. The model is shown noisy pictures and corrected with the clean ones.",
    "Doing nothing": "The noisy picture itself, as if it were the answer. A model has to be better than that.",
    "Drawn digits": "Digits drawn by a program, so that everything works without a download.",
    "Encoder": "The part of a model that makes the code of a picture.",
    "Epoch": "One pass over all training pictures.",
    "Filter": "A classical recipe that has learnt nothing: it smooths, or takes the middle of neighbours.",
    "Fine-tuning": "Training a trained model on, for another task.",
    "Gain": "PSNR above that of doing nothing. Below 0 the model does harm.",
    "Interval (±)": "With other test pictures the mean would very likely (95 %) lie this close to the one shown.",
    "L2 distance": "The root of all squared differences of a picture added up. Lower is better.",
    "Label": "The class of a picture, such as which digit it is, as people wrote it down.",
    "Learning rate": "How far the weights move in one step. Too small is slow, too large never settles.",
    "Linear": "Plain layers of weights that join every pixel with every number of the code.",
    "Loss": "The error that training makes smaller, usually the MSE.",
    "MNIST": "70,000 digits written by hand: the pictures that this field has measured itself on since 1998.",
    "MSE": "Mean squared error: the difference of each pixel, squared, on average. Lower is better.",
    "Muon": "An optimizer: it turns the slope of the error into steps that change all directions of a layer alike.",
    "Noise": "What spoils a picture. There are seven kinds, from grain to a hidden rectangle.",
    "Noise2Noise": "Learning from pairs of noisy pictures alone, which works where the noise is zero on average.",
    "Optimizer": "The rule by which the weights are moved after each batch.",
    "Parameters": "The numbers that a model has learnt, also called its weights.",
    "PCA": "The directions in which pictures, or codes, differ most: they make a map, and a simple kind of code.",
    "PSNR": "Peak signal-to-noise ratio: how close a picture is to the clean one, in decibels. Higher is better.",
    "Race": "Several models that learn the same task in turns, an epoch each.",
    "Recipe": "A training with a name: which model, pictures, noise and settings.",
    "Run": "One training of one model, kept with its settings, its curves and what it has learnt.",
    "Seed": "The number that all chance is drawn from. The same seed gives the same noise and the same result.",
    "SSIM": "Likeness of structure, from 0 to 1 for identical: nearer to what an eye sees than MSE.",
    "t-SNE": "A map on which neighbours stay neighbours; its distances and empty spaces mean nothing.",
    "Step": "One change of the weights, after one batch.",
    "Strength": "How much noise there is: 0 is none. The help beside each kind says what it counts.",
    "Teacher": "A trained model whose answers another one learns from.",
    "Test pictures": "Pictures that no model has learnt from. Only they show what a model is worth.",
    "U-Net": "A modern network that looks at several scales at once and estimates the noise, to take it away.",
    "Validation": "Measuring after each epoch, on up to 1,000 test pictures, always with the same noise.",
}
_KINDS = {f"{entry.label} (noise)": entry.help for entry in NOISES.values()}
_FILTERS = {f"{entry.label.removesuffix(' filter')} (filter)": entry.help for entry in CLASSICAL.values()}
_ALL = _WORDS | _KINDS | _FILTERS
GLOSSARY = {word: _ALL[word] for word in sorted(_ALL, key=str.casefold)}
