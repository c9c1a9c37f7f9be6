"""Unpacks the C++ headers and the two libraries that Parquet needs from Python's package of Apache Arrow."""

import re
import sys
import zipfile

WANTED = re.compile(r"pyarrow/(include/.*|lib(arrow|parquet)\.so\.[0-9.]+)")

with zipfile.ZipFile(sys.argv[1]) as wheel:
    members = [name for name in wheel.namelist() if WANTED.fullmatch(name)]
    if sum(".so." in name for name in members) != 2:
        sys.exit("unpack_arrow: the package does not hold libarrow and libparquet")
    wheel.extractall(sys.argv[2], members)
