"""The format number of a store that nobody has open, read and changed through RocksDB's own C functions."""
import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_ubyte, c_void_p

KEY = b"meta/format"
FAMILIES = (b"default", b"store", b"blobs")


def library():
    rocks = ctypes.CDLL("librocksdb.so")
    for name in ("options_create", "writeoptions_create", "readoptions_create", "open_column_families", "get_cf"):
        getattr(rocks, f"rocksdb_{name}").restype = c_void_p
    return rocks


def store_format(path, new=None):
    """What it was. `new` (below 128: one octet, as base/pack.h has it) is written in its place."""
    rocks, error, handles = library(), c_char_p(), (c_void_p * len(FAMILIES))()
    options = c_void_p(rocks.rocksdb_options_create())
    names = (c_char_p * len(FAMILIES))(*FAMILIES)
    all_options = (c_void_p * len(FAMILIES))(*[options] * len(FAMILIES))
    database = c_void_p(rocks.rocksdb_open_column_families(options, str(path).encode(), c_int(len(FAMILIES)), names, all_options,
                                                            handles, byref(error)))
    if error.value:
        raise RuntimeError(f"{path}: {error.value.decode(errors='replace')}")
    family, size = c_void_p(handles[1]), c_size_t()
    octets = rocks.rocksdb_get_cf(database, c_void_p(rocks.rocksdb_readoptions_create()), family, KEY, c_size_t(len(KEY)), byref(size),
                                  byref(error))
    was = ctypes.cast(octets, POINTER(c_ubyte))[0] if octets and size.value == 1 else 0
    if new is not None:
        rocks.rocksdb_put_cf(database, c_void_p(rocks.rocksdb_writeoptions_create()), family, KEY, c_size_t(len(KEY)), bytes([new]),
                             c_size_t(1), byref(error))
    for handle in handles:
        rocks.rocksdb_column_family_handle_destroy(c_void_p(handle))
    rocks.rocksdb_close(database)
    if error.value:
        raise RuntimeError(f"{path}: {error.value.decode(errors='replace')}")
    return was
