#!/usr/bin/env python3
"""Cuts the CIFAR-10 excerpt that ships with the project out of a full archive of JPEG files.

    scripts/make_excerpt.py ../shared/data/cifar10.tar.gz tests/data/cifar10-excerpt.tar.gz

ARCHIVE holds TOP/{train,test}/CLASS/NAME.jpg. OUT gets the first 500 training and 100 test images of every
class by name, as cifar10-excerpt/{train,test}/CLASS/NAME.jpg, bytes untouched. Order, owners and times are
fixed, so that the same archive gives the same bytes (with the same zlib).
"""

import argparse
import collections
import gzip
import io
import os
import sys
import tarfile

COUNTS = {"train": 500, "test": 100}
TOP = "cifar10-excerpt"


def choose(archive):
    """Member names to keep, per split and class the first by name."""
    names = collections.defaultdict(list)
    for member in archive.getmembers():
        parts = member.name.split("/")
        if member.isfile() and len(parts) == 4 and parts[1] in COUNTS and parts[3].endswith(".jpg"):
            names[parts[1], parts[2]].append(member.name)
    for split, count in COUNTS.items():
        classes = sorted(c for s, c in names if s == split)
        if not classes:
            sys.exit(f"{archive.name}: expected TOP/{split}/CLASS/NAME.jpg, got no such file")
        for label in classes:
            if len(names[split, label]) < count:
                sys.exit(f"{archive.name}: {split}/{label}: expected at least {count} images, "
                         f"got {len(names[split, label])}")
    return [name for key in sorted(names) for name in sorted(names[key])[:COUNTS[key[0]]]]


def write(archive, names, file):
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as out:
        for name in names:
            data = archive.extractfile(name).read()
            info = tarfile.TarInfo("/".join([TOP] + name.split("/")[1:]))
            info.size, info.mode, info.mtime = len(data), 0o644, 0
            out.addfile(info, io.BytesIO(data))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive")
    parser.add_argument("out")
    arguments = parser.parse_args()
    with tarfile.open(arguments.archive, "r:gz") as archive:
        names = choose(archive)
        temporary = arguments.out + ".part"
        with open(temporary, "wb") as raw, \
                gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=raw, mtime=0) as file:
            write(archive, names, file)
    os.replace(temporary, arguments.out)
    print(f"{arguments.out}: {len(names)} images, {os.path.getsize(arguments.out)} bytes")


if __name__ == "__main__":
    main()
