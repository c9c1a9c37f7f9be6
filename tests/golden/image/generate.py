#!/usr/bin/env python3
"""Writes the golden files of this folder: pictures, and what the reference makes of them.

Needs artemis-vlm 0.1.4, transformers 5.24, torch, torchvision, Pillow 13 and scikit-image. One thread, fixed seeds;
a second run with the same versions writes the same bytes.

    python tests/golden/image/generate.py

sources/*      small pictures of odd sizes, modes and shapes
expected/*.png the picture after the reference's resizing, recovered exactly from its normalised pixel_values
cases.json     for each case: source, limits, grid, CRC-32 of Pillow's RGB pixels, of pixel_values and of the
               picture turned upright; and what Pillow does with files that end too early
normalised.f32 the 3 x 256 values that the reference makes of the 8-bit levels
"""

import io
import json
import shutil
import struct
import types
import warnings
import zlib
from pathlib import Path

import numpy as np
import skimage.data
import torch
from artemis_vlm.processing_artemis_vlm import ArtemisVLMProcessor
from PIL import Image, ImageCms, ImageOps
from transformers.image_transforms import convert_to_rgb

warnings.simplefilter("ignore")
torch.set_num_threads(1)
HERE = Path(__file__).resolve().parent
SOURCES = HERE / "sources"
EXPECTED = HERE / "expected"
PATCH, TEMPORAL, MERGE = 16, 2, 2
random = np.random.default_rng(20250714)


# ---- pictures to start from ----


def photo(name, size=None, crop=None):
    image = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
    if crop:
        image = image.crop(crop)
    return image.resize(size, Image.Resampling.LANCZOS) if size else image


def noise(width, height, channels):
    values = random.integers(0, 256, (height, width, channels), dtype=np.uint8)
    return values[..., 0] if channels == 1 else values


def ramp(width, height):
    return (np.arange(width)[None, :] * 3 + np.arange(height)[:, None] * 5) % 256


def with_alpha(image):
    alpha = Image.fromarray(ramp(*image.size).astype(np.uint8))
    image = image.copy()
    image.putalpha(alpha)
    return image


def encode(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(image, quality=80, **options):
    return encode(image, "JPEG", quality=quality, **options)


def png_chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def raw_png(width, height, bits, colour, rows, extra=b"", interlace=0):
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + extra
            + png_chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(row) for row in rows), 9))
            + png_chunk(b"IEND", b""))


def png16(values, colour, extra=b""):
    height, width = values.shape[:2]
    return raw_png(width, height, 16, colour, [row.astype(">u2").tobytes() for row in values], extra)


def packed_rows(levels, bits):
    for row in levels:
        text = "".join(format(int(v), f"0{bits}b") for v in row)
        text += "0" * (-len(text) % 8)
        yield int(text, 2).to_bytes(len(text) // 8, "big")


def interlaced_png(array):
    """Adam7, 8-bit RGB or RGBA, no filter."""
    rows = []
    for x0, y0, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        part = array[y0::dy, x0::dx]
        if part.size:
            rows += [row.tobytes() for row in part]
    height, width, channels = array.shape
    return raw_png(width, height, 8, 6 if channels == 4 else 2, rows, interlace=1)


def oriented(kind, orientation):
    image = photo("astronaut", (53, 37))
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(image, kind, exif=exif.tobytes())


def animated_webp():
    frames = [photo("chelsea", (61, 45)), photo("coffee", (61, 45))]
    return encode(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=100, quality=60)


def patched_ycck(data):
    """The same samples under an Adobe marker that says YCCK."""
    at = data.index(b"Adobe")
    return data[: at + 11] + b"\x02" + data[at + 12:]


# ---- the cases ----


def sources():
    """name -> bytes."""
    astronaut = photo("astronaut")
    files = {}

    # Colour spaces and samplings of JPEG.
    files["rgb-420.jpg"] = jpeg(photo("coffee", (600, 400)), 70)
    files["rgb-422.jpg"] = jpeg(photo("chelsea", (301, 199)), subsampling="4:2:2")
    files["rgb-444.jpg"] = jpeg(photo("chelsea", (223, 167)), subsampling="4:4:4")
    files["odd-420.jpg"] = jpeg(photo("rocket", (131, 87)), subsampling="4:2:0")
    files["odd-progressive.jpg"] = jpeg(photo("astronaut", (171, 203)), progressive=True)
    files["progressive-420.jpg"] = jpeg(photo("rocket", (640, 427)), 60, progressive=True)
    files["restart.jpg"] = jpeg(photo("coffee", (190, 127)), restart_marker_blocks=3)
    files["gray.jpg"] = jpeg(photo("camera", (181, 240)).convert("L"))
    files["gray-progressive.jpg"] = jpeg(photo("coins", (97, 64)).convert("L"), progressive=True)
    files["cmyk.jpg"] = jpeg(astronaut.resize((119, 150)).convert("CMYK"))
    files["cmyk-progressive.jpg"] = jpeg(photo("coffee", (77, 51)).convert("CMYK"), progressive=True)
    files["ycck.jpg"] = patched_ycck(jpeg(photo("chelsea", (90, 60)).convert("CMYK"), 90))
    files["rgb-adobe.jpg"] = jpeg(photo("chelsea", (90, 61)), keep_rgb=True, quality=90)
    files["quality-10.jpg"] = jpeg(photo("astronaut", (512, 512)), 10)
    files["quality-100.jpg"] = jpeg(photo("rocket", (99, 66)), 100)
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes(12)  # the time of its making
    files["profile.jpg"] = jpeg(photo("coffee", (64, 48)), icc_profile=bytes(profile))
    for orientation in range(1, 9):
        files[f"exif-{orientation}.jpg"] = oriented("JPEG", orientation)
    files["exif-6.png"] = oriented("PNG", 6)
    files["exif-8.webp"] = oriented("WEBP", 8)

    # Sizes and shapes.
    files["1x1.png"] = encode(Image.fromarray(noise(1, 1, 3)), "PNG")
    files["1x150.png"] = encode(Image.fromarray(noise(1, 150, 3)), "PNG")
    files["200x1.png"] = encode(Image.fromarray(noise(200, 1, 3)), "PNG")
    files["995x5.png"] = encode(Image.fromarray(noise(995, 5, 3)), "PNG")
    files["3x597.png"] = encode(Image.fromarray(noise(3, 597, 3)), "PNG")
    files["33x47.png"] = encode(Image.fromarray(noise(33, 47, 3)), "PNG")
    files["48x80.png"] = encode(Image.fromarray(noise(48, 80, 3)), "PNG")
    files["32x32.png"] = encode(Image.fromarray(noise(32, 32, 3)), "PNG")
    files["31x1000.jpg"] = jpeg(photo("astronaut", crop=(200, 0, 231, 500)).resize((31, 1000)))
    files["1000x31.jpg"] = jpeg(photo("coffee", crop=(0, 200, 600, 219)).resize((1000, 31)))
    files["large.jpg"] = jpeg(photo("astronaut").resize((1600, 1203), Image.Resampling.BICUBIC), 25)
    files["wide.jpg"] = jpeg(photo("coffee", crop=(0, 100, 600, 200)).resize((1303, 217)), 50)
    files["hubble.jpg"] = jpeg(photo("hubble_deep_field", (872, 1000)), 40)

    # Modes of PNG.
    files["photo.png"] = encode(photo("coffee", (160, 107)), "PNG")
    files["l.png"] = encode(photo("camera", (140, 95)).convert("L"), "PNG")
    files["la.png"] = encode(with_alpha(photo("camera", (75, 91)).convert("L")), "PNG")
    files["rgba.png"] = encode(with_alpha(photo("chelsea", (96, 71))), "PNG")
    files["rgba-noise.png"] = encode(Image.fromarray(noise(64, 64, 4), "RGBA"), "PNG")
    files["p.png"] = encode(photo("coffee", (133, 89)).quantize(61), "PNG")
    p = photo("astronaut", (85, 110)).quantize(32)
    files["p-transparent-one.png"] = encode(p, "PNG", transparency=5)
    files["p-transparent-many.png"] = encode(p, "PNG", transparency=bytes(range(3, 255, 8)))
    files["p-4.png"] = encode(photo("chelsea", (67, 45)).quantize(13), "PNG", bits=4)
    files["p-1.png"] = raw_png(37, 29, 1, 3, packed_rows(random.integers(0, 2, (29, 37)), 1),
                               png_chunk(b"PLTE", bytes([200, 30, 90, 7, 250, 128])))
    files["p-short-palette.png"] = raw_png(40, 30, 8, 3, ramp(40, 30).astype(np.uint8).tolist(),
                                           png_chunk(b"PLTE", bytes(range(150))))
    files["1.png"] = encode(photo("page", (191, 95)).convert("1"), "PNG")
    files["1-transparent.png"] = raw_png(45, 33, 1, 0, packed_rows(random.integers(0, 2, (33, 45)), 1),
                                         png_chunk(b"tRNS", struct.pack(">H", 0)))
    files["l-2.png"] = raw_png(45, 33, 2, 0, packed_rows(random.integers(0, 4, (33, 45)), 2))
    files["l-4-transparent.png"] = raw_png(45, 33, 4, 0, packed_rows(random.integers(0, 16, (33, 45)), 4),
                                           png_chunk(b"tRNS", struct.pack(">H", 51)))
    files["l-transparent.png"] = raw_png(40, 40, 8, 0, ramp(40, 40).astype(np.uint8).tolist(),
                                         png_chunk(b"tRNS", struct.pack(">H", 0x0103)))
    gray16 = ramp(70, 50) * 4
    files["i16.png"] = png16(gray16, 0)
    files["i16-transparent.png"] = png16(gray16, 0, png_chunk(b"tRNS", struct.pack(">H", 300)))
    files["rgb16.png"] = png16(random.integers(0, 65536, (31, 43, 3)), 2)
    files["rgb16-transparent.png"] = png16(np.tile(gray16[..., None] * 60, (1, 1, 3)) % 65536, 2,
                                           png_chunk(b"tRNS", struct.pack(">HHH", 10, 10, 10)))
    files["la16.png"] = png16(random.integers(0, 65536, (41, 33, 2)), 4)
    files["rgba16.png"] = png16(random.integers(0, 65536, (29, 31, 4)), 6)
    files["rgb-transparent.png"] = encode(photo("logo", (60, 60)).quantize(16).convert("RGB"), "PNG",
                                          transparency=(255, 255, 255))
    files["interlaced.png"] = interlaced_png(np.asarray(photo("rocket", (75, 51))))
    files["interlaced-alpha.png"] = interlaced_png(noise(19, 13, 4))
    files["gamma.png"] = encode(photo("coffee", (50, 35)), "PNG")
    files["gamma.png"] = (files["gamma.png"][:33] + png_chunk(b"gAMA", struct.pack(">I", 100000))
                          + files["gamma.png"][33:])

    # WebP.
    files["lossy.webp"] = encode(photo("coffee", (301, 203)), "WEBP", quality=70)
    files["lossy-alpha.webp"] = encode(with_alpha(photo("chelsea", (121, 83))), "WEBP", quality=60)
    files["lossless.webp"] = encode(photo("rocket", (97, 65)), "WEBP", lossless=True)
    files["lossless-alpha.webp"] = encode(with_alpha(photo("astronaut", (64, 50))), "WEBP", lossless=True)
    files["animated.webp"] = animated_webp()
    return files


def cases(names):
    """(source, min_pixels, max_pixels): all at a moderate size, some at the default and at others."""
    for name in names:
        yield name, 32 * 32, 192 * 192
    for name in ["rgb-420.jpg", "large.jpg", "33x47.png", "1000x31.jpg"]:
        yield name, 32 * 32, 512 * 512
    yield "1x1.png", 128 * 128, 512 * 512
    yield "33x47.png", 256 * 256, 512 * 512
    yield "rgb-444.jpg", 100 * 100, 101 * 101
    yield "wide.jpg", 32 * 32, 32 * 32
    yield "200x1.png", 64 * 64, 65 * 65


# ---- what the reference makes of them ----


def crc(array):
    return zlib.crc32(np.ascontiguousarray(array).tobytes())


def make_processor(min_pixels, max_pixels):
    sizes = types.SimpleNamespace(patch_size=PATCH, temporal_patch_size=TEMPORAL, spatial_merge_size=MERGE)
    tokenizer = types.SimpleNamespace(convert_tokens_to_ids=lambda token: 22)
    return ArtemisVLMProcessor(tokenizer, sizes, min_pixels=min_pixels, max_pixels=max_pixels)


def normalised_table():
    """(3, 256): a picture of 32x32 for each 64 levels keeps its size, so every level is seen."""
    processor = make_processor(32 * 32, 512 * 512)
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16).repeat(2, 0).repeat(2, 1)
    values = processor(images=[Image.fromarray(np.stack([levels] * 3, -1))])["pixel_values"].numpy()
    picture = unpatch(values, 2, 2)
    return np.stack([picture[::2, ::2, c].reshape(-1) for c in range(3)])


def unpatch(values, grid_h, grid_w):
    """Patch rows back to (height, width, 3); the two frames must be equal."""
    split = values.reshape(grid_h // MERGE, grid_w // MERGE, MERGE, MERGE, 3, TEMPORAL, PATCH, PATCH)
    assert (split[:, :, :, :, :, 0] == split[:, :, :, :, :, 1]).all()
    return split[:, :, :, :, :, 0].transpose(0, 2, 5, 1, 3, 6, 4).reshape(grid_h * PATCH, grid_w * PATCH, 3)


def levels_of(picture, table):
    levels = np.empty(picture.shape, np.uint8)
    for c in range(3):
        order = np.searchsorted(table[c], picture[..., c])
        assert (table[c][order] == picture[..., c]).all()
        levels[..., c] = order
    return levels


def run_case(index, name, data, min_pixels, max_pixels, table):
    image = Image.open(io.BytesIO(data))
    mode, size = image.mode, image.size
    decoded = convert_to_rgb(image, return_numpy=True)
    upright = convert_to_rgb(ImageOps.exif_transpose(image), return_numpy=True)
    out = make_processor(min_pixels, max_pixels)(images=[Image.open(io.BytesIO(data))])
    grid = out["image_grid_thw"][0].tolist()
    values = out["pixel_values"].numpy()
    levels = levels_of(unpatch(values, grid[1], grid[2]), table)
    expected = f"{index:03d}.png"
    Image.fromarray(levels).save(EXPECTED / expected, optimize=True)
    return {"source": name, "mode": mode, "width": size[0], "height": size[1], "min_pixels": min_pixels,
            "max_pixels": max_pixels, "grid": grid, "expected": expected, "decoded_crc": crc(decoded),
            "upright_crc": crc(upright), "upright_width": upright.shape[1], "values_crc": crc(values)}


def config_case(data):
    """The processor with a preprocessor_config.json's own numbers."""
    from transformers import Qwen2VLImageProcessor
    config = {"image_processor_type": "Qwen2VLImageProcessorFast", "size": {"shortest_edge": 4096,
              "longest_edge": 16384}, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 0.25, 0.125],
              "rescale_factor": 0.00392156862745098, "patch_size": 16, "temporal_patch_size": 2, "merge_size": 2}
    processor = Qwen2VLImageProcessor.from_dict(config)
    out = processor(images=[Image.open(io.BytesIO(data))], return_tensors="pt")
    return {"json": config, "grid": out["image_grid_thw"][0].tolist(), "values_crc": crc(out["pixel_values"].numpy())}


def cut_cases(files):
    """[source, bytes kept, CRC-32 of the pixels or null when Pillow refuses]."""
    names = ["rgb-420.jpg", "odd-progressive.jpg", "restart.jpg", "gray.jpg", "cmyk.jpg", "photo.png", "p-4.png",
             "interlaced.png", "lossy.webp", "lossless-alpha.webp", "animated.webp"]
    for name in names:
        size = len(files[name])
        kept = sorted({size * i // 10 for i in range(10)} | {size - i for i in (1, 2, 3, 4, 8, 11, 12, 13, 16, 17, 40)})
        for count in kept:
            try:
                value = crc(convert_to_rgb(Image.open(io.BytesIO(files[name][:count])), return_numpy=True))
            except (OSError, SyntaxError, ValueError, EOFError):
                value = None
            yield [name, count, value]


def compact(golden):
    """One line for each case."""
    parts = []
    for key, value in golden.items():
        lines = ",\n".join(json.dumps(entry) for entry in value) if isinstance(value, list) else json.dumps(value)
        parts.append(f'"{key}": [\n{lines}\n]' if isinstance(value, list) else f'"{key}": {lines}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main():
    for folder in (SOURCES, EXPECTED):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    files = sources()
    for name, data in files.items():
        (SOURCES / name).write_bytes(data)
    table = normalised_table()
    (HERE / "normalised.f32").write_bytes(table.astype("<f4").tobytes())
    results = [run_case(i, name, files[name], low, high, table) for i, (name, low, high) in enumerate(cases(files))]
    golden = {"cases": results, "config": {"source": "rgb-444.jpg", **config_case(files["rgb-444.jpg"])}}
    golden["cuts"] = list(cut_cases(files))
    (HERE / "cases.json").write_text(compact(golden))
    print(len(files), "pictures,", len(results), "cases")


if __name__ == "__main__":
    main()
