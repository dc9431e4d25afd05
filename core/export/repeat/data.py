"""The images of a run in its script: where they are read, which are held out, what labels are told, how pixels are scaled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from core.config import RunConfig
from core.data import DatasetName, kaggle
from core.data.config import DataConfig
from core.data.split import knows_all, stratified_order
from core.data.subset import SET_ASIDE_SEED
from core.export.repeat.text import Part, Settings, source
from core.models.pixel_order import ORDER_SEED

DIGITS_FILE = "digits.npz"

# What DATA is where nobody says otherwise, and the sentence for people.
DEFAULT_DATA: Mapping[DatasetName, str] = MappingProxyType(
    {"digits": DIGITS_FILE, "mnist": "data", "kaggle": kaggle.FILES["train"]}
)
DATA_WORDS: Mapping[DatasetName, str] = MappingProxyType(
    {
        "digits": f"The images lie beside this file, in {DIGITS_FILE}: 8 x 8 pixels of the UCI repository's Optical "
        "Recognition of Handwritten Digits (CC BY 4.0), redrawn with 28 x 28.",
        "mnist": "MNIST (LeCun, Cortes and Burges, CC BY-SA 3.0): the four files in the folder DATA, packed or not. Where they "
        "are not, torchvision downloads them into that folder.",
        "kaggle": "train.csv of kaggle.com/c/digit-recognizer. Kaggle's own test images have no labels, so a fifth of every "
        "digit is set aside to test on.",
    }
)

READ_DIGITS = """\
with np.load(DATA) as file:
    images, labels = file["train_images"], file["train_labels"]
    test_images, test_labels = file["test_images"], file["test_labels"]
"""
READ_MNIST = '''\
def read_idx(name):
    """(N, 28, 28) images or (N,) labels from a file of MNIST, gzipped or not."""
    for path in (Path(DATA, f"{name}.gz"), Path(DATA, name), Path(DATA, "MNIST", "raw", name)):
        if path.exists():
            content = path.read_bytes()
            content = gzip.decompress(content) if path.suffix == ".gz" else content
            n_dims = content[3]  # after it, one length a dimension; then one byte a value
            shape = np.frombuffer(content, ">i4", n_dims, offset=4)
            return np.frombuffer(content, np.uint8, offset=4 + 4 * n_dims).reshape(shape).copy()
    import torchvision  # only to download

    torchvision.datasets.MNIST(DATA, download=True)
    return read_idx(name)


images = read_idx("train-images-idx3-ubyte")
labels = read_idx("train-labels-idx1-ubyte").astype(np.int64)
test_images = read_idx("t10k-images-idx3-ubyte")
test_labels = read_idx("t10k-labels-idx1-ubyte").astype(np.int64)
'''
READ_KAGGLE = """\
rows = np.loadtxt(DATA, np.uint8, delimiter=",", skiprows=1)  # label, pixel0 … pixel783
images, labels = rows[:, 1:].reshape(-1, 28, 28), rows[:, 0].astype(np.int64)
order = stratified_order(labels, {test_seed})
n_test = round(len(labels) * {test_share})
test, others = np.sort(order[:n_test]), np.sort(order[n_test:])
test_images, test_labels = images[test], labels[test]
images, labels = images[others], labels[others]
"""
SPLIT_STRATIFIED = """\
order = stratified_order(labels, SPLIT_SEED)
val, train = np.sort(order[:N_VAL]), np.sort(order[N_VAL : N_VAL + N_TRAIN])
"""
SPLIT_BLOCKS = """\
first_val = len(labels) - N_VAL
val = np.arange(first_val, len(labels))  # the last ones: mostly other people wrote them
train = np.sort(stratified_order(labels[:first_val], SPLIT_SEED)[:N_TRAIN])
"""
NOISE = """\
# The numbers of a generator whose output is promised to stay as it is.
which, what = np.random.PCG64([SPLIT_SEED, 1]).random_raw(2 * len(labels)).reshape(2, -1)
noisy_labels = np.where(which / 2**64 < LABEL_NOISE, {drawn}, labels)
"""
ONLY_CLASSES = """\
wanted, wanted_test = np.isin(labels, {classes}), np.isin(test_labels, {classes})
images, labels = images[wanted], labels[wanted]
test_images, test_labels = test_images[wanted_test], test_labels[wanted_test]
"""
WITHOUT_SET_ASIDE = """\
aside = stratified_order(labels, {seed})[: round(len(labels) * {share})]
others = np.setdiff1d(np.arange(len(labels)), aside)
images, labels = images[others], labels[others]
"""
MEAN_STD = """\
# Mean and deviation of the pixels that are learned from, exactly: how often each grey level occurs.
levels = [int(n) for n in np.bincount(images[train].ravel(), minlength=256)]
n_pixels = sum(levels)
total = sum(level * n for level, n in enumerate(levels))
squares = sum(level**2 * n for level, n in enumerate(levels))
MEAN = total / n_pixels / 255
STD = math.sqrt((n_pixels * squares - total**2) / n_pixels**2) / 255 or 1.0
if not (math.isclose(MEAN, {mean!r}, rel_tol=1e-6) and math.isclose(STD, {std!r}, rel_tol=1e-6)):
    print("These are not the images that the run has learned from, so other figures come out.")
"""
TENSORS = """\
train_images, train_labels = torch.from_numpy(images[train]), torch.from_numpy({labels}[train])
val_images, val_labels = torch.from_numpy(images[val]), torch.from_numpy(labels[val])
test_images, test_labels = torch.from_numpy(test_images), torch.from_numpy(test_labels)
print(f"{{len(train):,}} images to learn from, {{len(val):,}} held out, {{len(test_labels):,}} to test on")
"""
ON_DEVICE = """\
train_images, train_labels = train_images.to(DEVICE), train_labels.to(DEVICE)
val_images, val_labels = val_images.to(DEVICE), val_labels.to(DEVICE)
test_images, test_labels = test_images.to(DEVICE), test_labels.to(DEVICE)
"""
NORMALISED = '''\
def normalised(images):
    """uint8 (N, 28, 28) -> float (N, 1, 28, 28), {how}."""
    return images.float().mul_(1 / {scale}){shift}.unsqueeze(1){layout}
'''
LAYOUT = ".contiguous(memory_format=torch.channels_last)"


@dataclass(frozen=True, slots=True)
class Images:
    """What is known of a run's images: how many are learned from and held out, and the constants of the former's pixels.

    by_forms: whether the last ones are held out, as in the embedded digits · device: where they lie
    channels_last: whether they lie in memory with channels last, as convolutions are faster
    """

    n_train: int
    n_val: int
    mean: float
    std: float
    by_forms: bool
    device: str
    channels_last: bool


def data_parts(config: RunConfig, about: Images, settings: Settings, argument: str) -> list[Part]:
    """argument: the line that says where the images lie"""
    data, name = config.data, config.data.dataset
    read = {"digits": READ_DIGITS, "mnist": READ_MNIST, "kaggle": READ_KAGGLE}[name]
    ordered = source(stratified_order)
    if name == "kaggle":
        read = read.format(test_seed=kaggle.TEST_SEED, test_share=kaggle.TEST_SHARE)
        parts = [Part("The images", DATA_WORDS[name], f"{ordered}\n\n\n{argument}\n{read}")]
    else:
        parts = [Part("The images", DATA_WORDS[name], f"{argument}\n{read}")]
    code = [] if name == "kaggle" else [f"{ordered}\n\n"]
    code += _part_of_all(data, settings)
    code.append(SPLIT_BLOCKS if about.by_forms else SPLIT_STRATIFIED)
    if data.label_noise:
        drawn = "(what % 10).astype(np.int64)"
        if not knows_all(data.classes):
            drawn = f"np.array({data.classes})[(what % {len(data.classes)}).astype(np.int64)]"
        code.append(NOISE.format(drawn=drawn))
    if data.normalisation == "standard":
        code.append(MEAN_STD.format(mean=about.mean, std=about.std))
    if data.pixel_order == "shuffled":
        code += [settings.choice("pixel_order"), _pixel_order(about.device)]
    code.append(TENSORS.format(labels="noisy_labels" if data.label_noise else "labels"))
    if about.device != "cpu":
        code.append(ON_DEVICE)
    code.append("\n" + _normalised(data.normalisation == "standard", about.channels_last))
    words = "Which images are learned from, and which are held out to see how well others are read. The test images wait until "
    return [*parts, Part("What is learned from", words + "the very end.", "\n".join(code))]


def _part_of_all(data: DataConfig, settings: Settings) -> list[str]:
    """What takes away the digits and images that the run does not know; in the file with the embedded digits they are not."""
    is_whole = data.dataset != "digits"
    code = []
    if not knows_all(data.classes):
        code += [settings.choice("classes"), ONLY_CLASSES.format(classes=data.classes) if is_whole else ""]
    if data.set_aside:
        code += [
            settings.choice("set_aside"),
            WITHOUT_SET_ASIDE.format(seed=SET_ASIDE_SEED, share=data.set_aside) if is_whole else "",
        ]
    return code


def _pixel_order(device: str) -> str:
    order = f'np.argsort(np.random.PCG64({ORDER_SEED}).random_raw(784), kind="stable")'
    return f"PIXEL_ORDER = torch.from_numpy({order}){'' if device == 'cpu' else '.to(DEVICE)'}\n"


def _normalised(standard: bool, channels_last: bool) -> str:
    how = "with mean 0 and deviation 1 over the training images" if standard else "0 to 1"
    scale, shift = ("(255 * STD)", ".sub_(MEAN / STD)") if standard else ("255", "")
    return NORMALISED.format(how=how, scale=scale, shift=shift, layout=LAYOUT if channels_last else "")
