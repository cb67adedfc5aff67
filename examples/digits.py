"""Trains a small network on scikit-learn's handwritten digits: an ordinary PyTorch program.

    rushlight examples/digits.py --output digits.png      # on Rushlight
    python examples/digits.py --output digits.png         # on PyTorch, where that is installed

It prints the accuracy on the images that it has not seen, draws the loss curve, and fails below 97%.
Needs matplotlib, scikit-learn and tqdm: pip install "rushlight[examples]".
"""

from __future__ import annotations

import argparse
import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

TARGET = 0.97


def datasets() -> tuple[TensorDataset, TensorDataset]:
    """1,797 images of 8x8 pixels with values from 0 to 16, a quarter of them kept for the test."""
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images / 16.0, labels, test_size=0.25, random_state=0, stratify=labels)
    train_images, test_images, train_labels, test_labels = map(torch.from_numpy, parts)
    return TensorDataset(train_images.float(), train_labels), TensorDataset(test_images.float(), test_labels)


def train(model: nn.Module, loader: DataLoader, epochs: int) -> list[float]:
    """The mean loss of each epoch."""
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    curve = []
    model.train()
    with tqdm(range(epochs), desc="training", unit="epoch") as progress:
        for _ in progress:
            total = 0.0
            for images, labels in loader:
                optimizer.zero_grad()
                loss = loss_function(model(images), labels)
                loss.backward()
                optimizer.step()
                total += loss.item() * len(images)
            curve.append(total / len(loader.dataset))
            progress.set_postfix(loss=f"{curve[-1]:.4f}")
    return curve


@torch.no_grad()
def accuracy(model: nn.Module, loader: DataLoader) -> float:
    model.eval()
    right = sum((model(images).argmax(dim=1) == labels).sum().item() for images, labels in loader)
    return right / len(loader.dataset)


def draw(curve: list[float], path: str) -> None:
    import matplotlib

    matplotlib.use("Agg")  # a file, no window
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    axes.semilogy(range(1, len(curve) + 1), curve)
    axes.set(title="Handwritten digits", xlabel="epoch", ylabel="training loss (cross-entropy)")
    axes.grid(True, which="both", alpha=0.3)
    figure.savefig(path, dpi=120)


def main() -> int | str:
    parser = argparse.ArgumentParser(description="Train a small network on scikit-learn's handwritten digits.")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", metavar="PNG", help="where to save the loss curve")
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    train_set, test_set = datasets()
    model = nn.Sequential(
        nn.Linear(64, 256), nn.ReLU(), nn.Dropout(0.4), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    )
    curve = train(model, DataLoader(train_set, batch_size=options.batch_size, shuffle=True), options.epochs)
    if options.output:
        draw(curve, options.output)
        print(f"loss curve: {options.output}")

    reached = accuracy(model, DataLoader(test_set, batch_size=256))
    print(f"test accuracy: {reached:.2%} of {len(test_set)} images")
    return 0 if reached >= TARGET else f"below the target of {TARGET:.0%}"


if __name__ == "__main__":
    sys.exit(main())
