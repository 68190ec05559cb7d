"""Formats of image files: which ones are read, and why a file cannot be."""

from dae.errors import DataError

# Suffixes of file names, the usual one first. Pillow also has decoders for obscure and riskier formats.
SUFFIXES = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
}
FORMATS = tuple(SUFFIXES)
ALL_SUFFIXES = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
# Damaged files make Pillow's decoders raise errors of any class.
DECODE_ERRORS = (Exception,)
# Each scan of a progressive JPEG costs a pass over all pixels. Encoders write about ten.
MAX_SCANS = 64
_START_OF_SCAN = b"\xff\xda"


def check_scans(content: bytes) -> None:
    """Raise DataError for a JPEG with more than MAX_SCANS scans, whose decoding would take minutes."""
    # The two bytes can also be part of metadata, so this is an upper bound.
    if content.startswith(b"\xff\xd8") and content.count(_START_OF_SCAN) > MAX_SCANS:
        raise DataError(f"The JPEG has more than {MAX_SCANS} scans. Save it again with an image editor.")


def explain_failure(content: bytes) -> str:
    """Return a message for a file that Pillow cannot decode, from its first bytes."""
    if content.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return (
            "This TIFF is damaged or has values that are not supported, such as 64-bit or colored floats. "
            "Save it as PNG with 8 or 16 bits."
        )
    if content[4:8] == b"ftyp":
        return "HEIC and AVIF files are not supported. Save the image as JPEG or PNG."
    return "The file is damaged or not an image of a supported format. Use PNG, JPEG, WebP, BMP, TIFF or GIF."
